"""Verdicts to the exit status of a session, and what every exit status of one means."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from harness.errors import UserError, suggest
from harness.measure.verdict import Status

EXIT_STATUS = {Status.FAIL: 1, Status.INCONCLUSIVE: 10, Status.NO_GATE: 11, Status.BLOCKED: 12}
"""Exit status of a session by the first kind of this list that occurred (design §9)."""

TREND_ALERT = 13
"""Exit status of a session without any of these whose trends turned to the worse (design §9)."""

UNJUDGED = 14
"""Exit status of a session without any of these that judged nothing, or not all that it planned."""

UNWRITTEN = 15
"""Exit status of a session without a FAIL that found no room for what it measured or made."""

INTERRUPTED = 2
"""Exit status that pytest uses after Ctrl-C, and where a test file cannot be collected."""

ENDINGS = {
    0: "green",
    1: "red",
    INTERRUPTED: "interrupted, or a test file could not be read",
    3: "broken: pytest or a plugin failed",
    4: "not started: a mistake in the options",
    5: "nothing judged: no test was found",
    6: "more warnings than --max-warnings allows",
    10: "inconclusive",
    11: "without a gate for something",
    12: "blocked: a device was not fit to measure",
    TREND_ALERT: "green, but a trend turned to the worse",
    UNWRITTEN: "a disk was full, or did not take what was measured or the report",
    UNJUDGED: "nothing judged: all tests were skipped, or not all of them ran",
}
"""What the exit status of a session means (design §9)."""

_WORST_FIRST = (1, 3, 2, 4, 6, UNWRITTEN, 10, 11, 12, UNJUDGED, 5, TREND_ALERT)


def worst_status(statuses: Iterable[int]) -> int:
    """The exit status that speaks for several sessions; 0 if all of them ended with it.

    One that neither pytest nor this package has is some plugin's, and worse than all that judge.
    """
    ranks = {status: rank for rank, status in enumerate(_WORST_FIRST)}
    return min(filter(None, statuses), key=lambda status: ranks.get(status, 0), default=0)


ALLOWABLE = (Status.INCONCLUSIVE, Status.NO_GATE, Status.BLOCKED)

UNJUDGED_WORD = "unjudged"
"""What ``--allow`` takes for a session that judged nothing, or not all that it planned."""


def exit_status(statuses: Iterable[Status], allow: Collection[str] = ()) -> int:
    """0 if every verdict passed or is allowed, else the status of the first kind that occurred.

    Args:
        statuses: Of all verdicts of the session.
        allow: Kinds that do not count, from ``parse_allow``; a FAIL always counts.
    """
    allowed = {status for status in ALLOWABLE if status.value in allow}
    occurred = set(statuses) - allowed
    return next((code for status, code in EXIT_STATUS.items() if status in occurred), 0)


def parse_allow(text: str) -> frozenset[str]:
    """Read the value of ``--allow``: ways to end separated by commas, empty for none.

    Raises:
        UserError: If a word is none that can be allowed.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    known = {*(status.value for status in ALLOWABLE), UNJUDGED_WORD}
    for word in words:
        if word not in known:
            raise UserError(f"--allow does not take {word!r}; {suggest(word, known)}.")
    return frozenset(words)
