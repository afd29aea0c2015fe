"""What got worse, and what got better: where, since when, by how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from harness.measure.verdict import Status
from harness.results.rows.schema import VerdictRow
from harness.results.run import Run
from harness.results.series import SERIES, Series, final_frame
from harness.results.verdict_change import Judgements
from reports.past import Night, Past
from reports.trends import Trend
from reports.wording import level_words

NEWS = timedelta(days=14)
"""A change of level that is older is seen in its trend only."""


@dataclass(frozen=True)
class Finding:
    """One metric of one configuration on one device that is not what it was.

    Attributes:
        key: What it is of.
        unit: Of ``before`` and ``after``.
        kind: ``worse`` or ``better``.
        fails: Whether its gate fails now.
        before: Level until then; None where nothing was measured before.
        after: Level since then.
        since: First night of it; None where only this run was measured.
        last_before: The night before it, None where there is none.
        nights: Nights of it that were measured, this one included.
        trend: Its history.
        cause: Where its gate alone turned it: what became of the gate; empty where the value did.
    """

    key: Series
    unit: str
    kind: Literal["worse", "better"]
    fails: bool
    before: float | None
    after: float
    since: Night | None
    last_before: Night | None
    nights: int
    trend: Trend
    cause: str = ""

    @property
    def levels(self) -> str:
        """``92.3 → 80.9 token/s``, as headline and trend tell it alike."""
        return level_words(self.before, self.after, self.unit)

    @property
    def change(self) -> float | None:
        """Share by which it changed, negative for less; None without a value before."""
        return self.after / self.before - 1 if self.before else None


def find_findings(run: Run, past: Past, trends: Sequence[Trend]) -> tuple[Finding, ...]:
    """Failed gates and recent changes of level, the worst first.

    Verdicts in quarantine do not count as failed.
    """
    failing = {
        Series.of_row(row): row
        for row in run.judged
        if row.status is Status.FAIL and not row.quarantined
    }
    failed = _failed_nights(past, failing)
    judgements = Judgements(past.history)
    found = []
    for trend in trends:
        fails = trend.key in failing
        finding = _of_step(trend, past, fails)
        cause = _gate_cause(judgements, past, trend.key, failed[trend.key]) if fails else ""
        if fails and (finding is None or finding.kind == "better" or cause):
            finding = _of_gate(trend, past, failing[trend.key], failed[trend.key])
            finding = finding and replace(finding, cause=cause)
        if finding is not None:
            found.append(finding)
    return tuple(sorted(found, key=_severity))


def _severity(finding: Finding) -> tuple[bool, bool, float]:
    return (finding.kind == "better", not finding.fails, -abs(finding.change or 0.0))


def _of_step(trend: Trend, past: Past, fails: bool) -> Finding | None:
    if not trend.steps:
        return None
    step = trend.steps[-1]
    since = past.nights[step.night]
    if past.nights[past.now].started_at - since.started_at > NEWS:
        return None
    return _finding(
        trend, past, step.night, step.before, step.after, "worse" if step.is_worse else "better",
        fails,
    )  # fmt: skip


def _of_gate(
    trend: Trend, past: Past, row: VerdictRow, failed_nights: frozenset[int]
) -> Finding | None:
    """A gate that fails, since the first night of the present row of failures."""
    if row.median is None:
        return None
    since = past.now
    before = None
    for point in reversed(trend.points):
        if point.night not in failed_nights and point.night != past.now:
            before = point.median
            break
        since = point.night
    return _finding(trend, past, since, before, row.median, "worse", fails=True)


def _gate_cause(
    judgements: Judgements, past: Past, key: Series, failed_nights: frozenset[int]
) -> str:
    """What became of the gate, where that alone turned the last green night's verdict red."""
    first_red = past.now
    for night in reversed(range(past.now)):
        if night in failed_nights:
            first_red = night
        elif judgements.of(past.nights[night].run_id, key) is not None:
            before, since = past.nights[night].run_id, past.nights[first_red].run_id
            change = judgements.change(before, since, key)
            return change.gate_sentence if change is not None and change.is_by_gate_alone else ""
    return ""


def _finding(
    trend: Trend,
    past: Past,
    since: int,
    before: float | None,
    after: float,
    kind: Literal["worse", "better"],
    fails: bool,
) -> Finding:
    earlier = [point.night for point in trend.points if point.night < since]
    return Finding(
        key=trend.key,
        unit=trend.unit,
        kind=kind,
        fails=fails,
        before=before,
        after=after,
        since=past.nights[since] if len(trend.points) > 1 else None,
        last_before=past.nights[earlier[-1]] if earlier else None,
        nights=sum(point.night >= since for point in trend.points),
        trend=trend,
    )


def _failed_nights(past: Past, keys: Iterable[Series]) -> Mapping[Series, frozenset[int]]:
    """Nights in which the gate failed, by trend."""
    wanted = set(keys)
    numbers = {night.run_id: number for number, night in enumerate(past.nights)}
    verdicts = past.history.verdicts
    metrics = {key.metric for key in wanted}
    ended = final_frame(verdicts[verdicts["metric"].isin(metrics)])
    rows = ended[(ended["status"] == Status.FAIL.value) & ~ended["quarantined"]]
    nights: dict[Series, set[int]] = defaultdict(set)
    for row in rows[["run_id", *SERIES]].to_dict("records"):
        key = Series.of_record(row)
        if key in wanted and row["run_id"] in numbers:
            nights[key].add(numbers[row["run_id"]])
    return {key: frozenset(nights[key]) for key in wanted}
