"""The first thing a reader sees: how the run ended, in one word and one sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.exit_status import EXIT_STATUS
from harness.measure.verdict import Status
from harness.measure.wording import number, plural
from harness.results.rows import VerdictRow
from reports.findings import Finding
from reports.run import Run
from reports.wording import percent

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
        tone: Name of the colour: a status value, ``worse`` or ``unfinished``.
        word: What to write large.
        sentence: The evidence.
        lead: Its beginning that tells what got worse, empty if nothing did.
        counts: Verdicts by status, worst first, absent ones left out.
    """

    tone: str
    word: str
    sentence: str
    lead: str
    counts: tuple[Count, ...]


def headline(run: Run, findings: Sequence[Finding] = ()) -> Headline:
    """Sum a run up.

    A failed test without verdict counts as much as a failed gate, and what is in quarantine not at
    all; where nothing failed, a level that got worse is told all the same.
    """
    counted = Counter(row.status for row in run.judged if not row.quarantined)
    counts = tuple(
        Count(status, LABELS[status], counted[status]) for status in SEVERITY if counted[status]
    )
    failed_tests = [row.test_id for row in run.failures if row.status is not Status.FAIL]
    worse = [finding for finding in findings if finding.kind == "worse"]
    lead = describe(worse[0]) if worse and worse[0].change is not None else ""
    sentence = " ".join(_sentences(run, counts, failed_tests, lead))
    tone, word = _ending(run, counts, failed_tests, worse)
    return Headline(tone, word, sentence, lead, counts)


def _ending(
    run: Run, counts: Sequence[Count], failed_tests: Sequence[str], worse: Sequence[Finding]
) -> tuple[str, str]:
    failed = any(count.status is Status.FAIL for count in counts)
    if failed or failed_tests:
        return Status.FAIL.value, LABELS[Status.FAIL]
    if run.unfinished is not None:
        return "unfinished", "NOT FINISHED"
    if worse:
        return "worse", "WORSE"
    if not counts:
        passed = any(row.outcome == "passed" for row in run.outcomes)
        return ("pass", "PASS") if passed else ("unfinished", "NOTHING RAN")
    return counts[0].status.value, counts[0].label


def describe(finding: Finding) -> str:
    """Where, since when, by how much: one sentence."""
    words = (
        finding.of("metric"),
        "of",
        finding.of("model"),
        finding.of("component"),
        finding.of("mode"),
    )
    name = " ".join(word for word in words if word)
    where = f" on {finding.of('device')}" if finding.of("device") else ""
    now = f"{number(finding.after)} {finding.unit}".removesuffix(" share").removesuffix(" 1")
    if finding.change is None or finding.since is None:
        return f"{name}{where} is {now}."
    direction = "higher" if finding.change > 0 else "lower"
    since = f"{finding.since.started_at:%-d %B}"
    return f"{name}{where} is {percent(abs(finding.change))} {direction} since {since}: {now}."


def _sentences(
    run: Run, counts: Sequence[Count], failed_tests: Sequence[str], lead: str
) -> list[str]:
    parts = [lead] if lead else []
    if counts:
        parts.append(_count_sentence(run, counts, bool(parts)))
    if failed_tests:
        parts.append(f"{plural(len(failed_tests), 'test')} failed without a verdict:")
        parts.append(_named([test.rpartition("::")[2] for test in failed_tests]))
    if not parts:
        parts.append(f"{plural(len(run.outcomes), 'test')} ran and judged no gate.")
    return parts


def _count_sentence(run: Run, counts: Sequence[Count], is_told: bool) -> str:
    worst = counts[0]
    total = sum(count.number for count in counts)
    predicate = _PREDICATES[worst.status][worst.number != 1]
    names = [_name(row) for row in run.judged if row.status is worst.status and not row.quarantined]
    is_short = worst.status is Status.PASS or (is_told and worst.number == 1)
    end = "." if is_short else f": {_named(names)}"
    return f"{worst.number} of {plural(total, 'verdict')} {predicate}{end}"


def _name(row: VerdictRow) -> str:
    words = (row.metric, "of", row.model, row.component, row.mode)
    return " ".join(word for word in words if word)


def _named(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = len(unique) - _MAX_NAMED
    listed = ", ".join(unique[:_MAX_NAMED])
    return f"{listed} and {more} more." if more > 0 else f"{listed}."
