"""The first thing a reader sees: how the run ended, in one word and one sentence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.measure.verdict import Status
from harness.measure.wording import plural
from harness.results.rows.schema import ComparisonRow, OutcomeRow, VerdictRow
from harness.results.run import Run
from harness.results.series import Series
from reports.findings import Finding
from reports.standing import LABELS, SEVERITY, VALID, standing
from reports.wording import day, level_words, percent

_PREDICATES = {
    Status.PASS.value: ("passes", "pass"),
    Status.FAIL.value: ("fails", "fail"),
    Status.INCONCLUSIVE.value: ("is inconclusive", "are inconclusive"),
    Status.NO_GATE.value: ("has no gate", "have no gate"),
    Status.BLOCKED.value: ("is blocked", "are blocked"),
}
_MAX_NAMED = 3

_OUTCOMES = ("slower", "slower in quarantine", "undecided", "blocked", "faster", "same")
"""Of comparisons in words, in the order of telling."""


@dataclass(frozen=True)
class Count:
    """How many verdicts stand alike."""

    standing: str
    label: str
    number: int


@dataclass(frozen=True)
class Headline:
    """How the run ended.

    Attributes:
        tone: Name of the colour: how verdicts stand, ``worse`` or ``unfinished``.
        word: What to write large.
        sentence: The evidence.
        lead: Its beginning that tells what got worse, empty if nothing did.
        counts: Verdicts by how they stand, worst first, absent ones left out.
    """

    tone: str
    word: str
    sentence: str
    lead: str
    counts: tuple[Count, ...]


def headline(run: Run, findings: Sequence[Finding] = ()) -> Headline:
    """Sum a run up.

    A failed test without verdict counts as much as a failed gate, a slower candidate as well, and
    what is in quarantine not at all until its time is over; where nothing failed, a level that got
    worse is told all the same.
    """
    counted = Counter(standing(row) for row in run.judged if not row.quarantined)
    counts = tuple(Count(name, LABELS[name], counted[name]) for name in SEVERITY if counted[name])
    failed_tests = [row.test_id for row in run.failures if row.status is not Status.FAIL]
    worse = [finding for finding in findings if finding.kind == "worse"]
    lead = _lead(run, worse)
    sentence = " ".join(_sentences(run, counts, failed_tests, lead))
    tone, word = _ending(run, counts, failed_tests, worse)
    return Headline(tone, word, sentence, lead, counts)


def _ending(
    run: Run, counts: Sequence[Count], failed_tests: Sequence[str], worse: Sequence[Finding]
) -> tuple[str, str]:
    occurred = {count.standing for count in counts}
    occurred |= {row.status.value for row in run.unjudged if row.status}
    standings = [name for name in SEVERITY if name in occurred]
    if Status.FAIL.value in standings or failed_tests or _expired(run):
        return Status.FAIL.value, LABELS[Status.FAIL]
    if run.unfinished is not None:
        return "unfinished", "NOT FINISHED"
    if worse:
        return "worse", "WORSE"
    if not run.outcomes and not standings:
        return "unfinished", "NOTHING RAN"
    if run.judged_nothing:
        return "unfinished", "NOTHING JUDGED"
    if not standings:
        return "pass", "PASS"
    return standings[0], LABELS[standings[0]]


def _lead(run: Run, worse: Sequence[Finding]) -> str:
    if worse and (worse[0].cause or worse[0].change is not None):
        return describe(worse[0])
    slower = [row for row in run.compared if _is_slower(row) and row.ratio is not None]
    furthest = max(slower, key=lambda row: abs(math.log(row.ratio or 1.0)), default=None)
    return describe_slower(furthest) if furthest else ""


def describe_slower(row: ComparisonRow) -> str:
    """Where and by how much a candidate is slower than its baseline: one sentence."""
    where = f" on {row.device}" if row.device else ""
    ratio = row.ratio or 1.0
    direction = "higher" if ratio > 1 else "lower"
    return (
        f"{_name(row)}{where} is {percent(abs(ratio - 1))} {direction} than that of the baseline "
        f"{row.names[0]}."
    )


def describe(finding: Finding) -> str:
    """Where, since when, by how much: one sentence."""
    name = _name(finding.key)
    where = f" on {finding.key.device}" if finding.key.device else ""
    now = level_words(None, finding.after, finding.unit)
    if finding.cause:
        since = f" since {day(finding.since.started_at)}" if finding.since else ""
        return f"{name}{where} fails{since}: {finding.cause}."
    if finding.change is None or finding.since is None:
        return f"{name}{where} is {now}."
    direction = "higher" if finding.change > 0 else "lower"
    since = day(finding.since.started_at)
    return f"{name}{where} is {percent(abs(finding.change))} {direction} since {since}: {now}."


def _sentences(
    run: Run, counts: Sequence[Count], failed_tests: Sequence[str], lead: str
) -> list[str]:
    parts = [lead] if lead else []
    if counts:
        parts += _count_sentences(run, counts, bool(parts))
    if failed_tests:
        parts.append(f"{plural(len(failed_tests), 'test')} failed without a verdict:")
        parts.append(_named([test.rpartition("::")[2] for test in failed_tests]))
    parts += _comparison_sentence(run.compared, bool(lead))
    parts += _unjudged_sentences(run)
    parts += run.cut_short
    if expired := _expired(run):
        parts.append(f"{plural(len(expired), 'quarantine')} ran out: {_named(expired)}")
    if not parts:
        parts.append(_nothing_judged(run))
    if rerun := sum(row.reruns > 0 for row in run.outcomes):
        parts.append(f"{plural(rerun, 'test')} ran again by a plugin and count as they ended last.")
    return parts


def _nothing_judged(run: Run) -> str:
    if not run.judged_nothing:
        return f"{plural(len(run.outcomes), 'test')} ran and judged no gate."
    if not run.outcomes:
        return "Nothing was judged, no test has ended."
    reasons = Counter(row.message.strip().partition("\n")[0] for row in run.outcomes)
    told = "; ".join(reason for reason, _ in reasons.most_common(_MAX_NAMED) if reason)
    skipped = f"{plural(len(run.outcomes), 'test')} skipped"
    return f"Nothing was judged, {skipped}: {told}." if told else f"Nothing was judged, {skipped}."


def _expired(run: Run) -> list[str]:
    """What turns a night red although nothing failed: a quarantine whose last day is over."""
    return [f"{row.metric} of {row.model}" for row in run.quarantine if row.expired]


def _comparison_sentence(rows: Sequence[ComparisonRow], is_told: bool) -> list[str]:
    if not rows:
        return []
    slower = [_name(row) for row in rows if _is_slower(row)]
    counts = Counter(_outcome_words(row) for row in rows)
    found = ", ".join(f"{counts[word]} {word}" for word in _OUTCOMES if counts[word])
    is_short = not slower or (is_told and len(slower) == 1)
    end = "." if is_short else f"; slower: {_named(slower)}"
    return [f"{plural(len(rows), 'comparison')}{_legs_words(rows)}: {found}{end}"]


def _outcome_words(row: ComparisonRow) -> str:
    if row.outcome == "slower" and row.quarantined:
        return "slower in quarantine"
    return "undecided" if row.outcome == "inconclusive" else row.outcome


def _legs_words(rows: Sequence[ComparisonRow]) -> str:
    """What was held against what, where it is one pair of artifacts."""
    legs = {row.names for row in rows}
    if len(legs) != 1:
        return ""
    [(baseline, candidate)] = legs
    differ = {row.differ_in for row in rows} - {""}
    told = f" (different: {differ.pop()})" if len(differ) == 1 else ""
    return f" of {candidate} with {baseline}{told}"


def _is_slower(row: ComparisonRow) -> bool:
    """Whether it turns the night red: quarantine puts aside what it covers."""
    return row.outcome == "slower" and not row.quarantined


def _unjudged_sentences(run: Run) -> Iterator[str]:
    """Tests that ended open before there was a number to judge."""
    compared = {row.test_id for row in run.comparisons}
    rows = [row for row in run.unjudged if row.test_id not in compared]
    for status in SEVERITY:
        alike: list[OutcomeRow] = [row for row in rows if row.status == status]
        if alike and status != Status.PASS.value:
            names = _named([row.test_id.rpartition("::")[2] for row in alike])
            ended = f"{plural(len(alike), 'test')} ended {LABELS[status]}"
            yield f"{ended} before anything was judged: {names}"


def _count_sentences(run: Run, counts: Sequence[Count], is_told: bool) -> Iterator[str]:
    """What was judged against a gate, apart from what was only shown valid."""
    gated = [count for count in counts if count.standing != VALID]
    valid = sum(count.number for count in counts if count.standing == VALID)
    if gated:
        yield _worst_sentence(run, gated, is_told)
    if valid and gated:
        were = "was" if valid == 1 else "were"
        yield f"{plural(valid, 'figure')} without a gate {were} only shown valid."
    elif valid:
        yield f"Nothing was judged against a gate: {plural(valid, 'figure')} only shown valid."


def _worst_sentence(run: Run, counts: Sequence[Count], is_told: bool) -> str:
    worst = counts[0]
    total = sum(count.number for count in counts)
    predicate = _PREDICATES[worst.standing][worst.number != 1]
    alike = [row for row in run.judged if standing(row) == worst.standing and not row.quarantined]
    is_short = worst.standing == Status.PASS.value or (is_told and worst.number == 1)
    end = "." if is_short else f": {_named([_name(row) for row in alike])}"
    return f"{worst.number} of {plural(total, 'verdict')} {predicate}{end}"


def _name(row: VerdictRow | ComparisonRow | Series) -> str:
    words = (row.metric, "of", row.model, row.component, row.mode)
    return " ".join(word for word in words if word)


def _named(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = len(unique) - _MAX_NAMED
    listed = ", ".join(unique[:_MAX_NAMED])
    return f"{listed} and {more} more." if more > 0 else f"{listed}."
