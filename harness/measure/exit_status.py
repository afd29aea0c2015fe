"""Verdicts to the exit status of a session."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from harness.errors import UserError, suggest
from harness.measure.verdict import Status

EXIT_STATUS = {Status.FAIL: 1, Status.INCONCLUSIVE: 10, Status.NO_GATE: 11, Status.BLOCKED: 12}
"""Exit status of a session by the first kind of this list that occurred (design §9)."""

TREND_ALERT = 13
"""Exit status of a session without any of these whose trends turned to the worse (design §9)."""

ALLOWABLE = (Status.INCONCLUSIVE, Status.NO_GATE, Status.BLOCKED)


def exit_status(statuses: Iterable[Status], allow: Collection[Status] = ()) -> int:
    """0 if every verdict passed or is allowed, else the status of the first kind that occurred.

    Args:
        statuses: Of all verdicts of the session.
        allow: Kinds that do not count, from ``parse_allow``; a FAIL always counts.
    """
    occurred = set(statuses) - (set(allow) & set(ALLOWABLE))
    return next((code for status, code in EXIT_STATUS.items() if status in occurred), 0)


def parse_allow(text: str) -> frozenset[Status]:
    """Read the value of ``--allow``: kinds of verdict separated by commas, empty for none.

    Raises:
        UserError: If a word is not a kind of verdict that can be allowed.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    known = {status.value for status in ALLOWABLE}
    for word in words:
        if word not in known:
            raise UserError(f"--allow does not take {word!r}; {suggest(word, known)}.")
    return frozenset(map(Status, words))
