"""The first thing a reader sees: how the run ended, in one word and one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.exit_status import EXIT_STATUS
from harness.measure.verdict import Status
from harness.measure.wording import plural
from harness.results.rows import VerdictRow
from reports.run import Run

SEVERITY = (*EXIT_STATUS, Status.PASS)
"""Worst first, in the order that decides the exit status of a session."""

LABELS = {
    Status.PASS: "PASS",
    Status.FAIL: "FAIL",
    Status.INCONCLUSIVE: "INCONCLUSIVE",
    Status.NO_GATE: "NO GATE",
    Status.BLOCKED: "BLOCKED",
}

_PREDICATES = {
    Status.PASS: ("passes", "pass"),
    Status.FAIL: ("fails", "fail"),
    Status.INCONCLUSIVE: ("is inconclusive", "are inconclusive"),
    Status.NO_GATE: ("has no gate", "have no gate"),
    Status.BLOCKED: ("is blocked", "are blocked"),
}
_MAX_NAMED = 3


@dataclass(frozen=True)
class Count:
    """How many verdicts have a status."""

    status: Status
    label: str
    number: int


@dataclass(frozen=True)
class Headline:
    """How the run ended.

    Attributes:
        tone: Name of the colour: a status value, or ``unfinished``.
        word: What to write large.
        sentence: The evidence.
        counts: Verdicts by status, worst first, absent ones left out.
    """

    tone: str
    word: str
    sentence: str
    counts: tuple[Count, ...]


def headline(run: Run) -> Headline:
    """Sum a run up; a failed test without verdict counts as much as a failed gate."""
    counted = Counter(row.status for row in run.verdicts)
    counts = tuple(
        Count(status, LABELS[status], counted[status]) for status in SEVERITY if counted[status]
    )
    failed_tests = [
        row.test_id
        for row in run.outcomes
        if row.outcome in ("failed", "error") and row.status is not Status.FAIL
    ]
    sentence = _sentence(run, counts, failed_tests)
    if counted[Status.FAIL] or failed_tests:
        return Headline(Status.FAIL.value, LABELS[Status.FAIL], sentence, counts)
    if run.unfinished is not None:
        return Headline("unfinished", "NOT FINISHED", sentence, counts)
    if not counts:
        passed = any(row.outcome == "passed" for row in run.outcomes)
        tone, word = ("pass", "PASS") if passed else ("unfinished", "NOTHING RAN")
        return Headline(tone, word, sentence, counts)
    worst = counts[0]
    return Headline(worst.status.value, worst.label, sentence, counts)


def _sentence(run: Run, counts: Sequence[Count], failed_tests: Sequence[str]) -> str:
    parts = []
    if counts:
        worst = counts[0]
        total = sum(count.number for count in counts)
        predicate = _PREDICATES[worst.status][worst.number != 1]
        names = [_name(row) for row in run.verdicts if row.status is worst.status]
        end = "." if worst.status is Status.PASS else f": {_named(names)}"
        parts.append(f"{worst.number} of {plural(total, 'verdict')} {predicate}{end}")
    if failed_tests:
        parts.append(f"{plural(len(failed_tests), 'test')} failed without a verdict:")
        parts.append(_named([test.rpartition("::")[2] for test in failed_tests]))
    if not parts:
        parts.append(f"{plural(len(run.outcomes), 'test')} ran and judged no gate.")
    return " ".join(parts)


def _name(row: VerdictRow) -> str:
    words = (row.metric, "of", row.model, row.component, row.mode)
    return " ".join(word for word in words if word)


def _named(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = len(unique) - _MAX_NAMED
    listed = ", ".join(unique[:_MAX_NAMED])
    return f"{listed} and {more} more." if more > 0 else f"{listed}."
