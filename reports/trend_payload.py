"""Trends as data for the page's script."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from harness.measure.wording import number
from harness.results.rows.schema import VerdictRow
from harness.results.series import Series
from reports.payload import Payload
from reports.trends import Trend
from reports.wording import rounded, subject_words, yes_or_no


def trend_rows(
    trends: Sequence[Trend],
    judged: Sequence[VerdictRow],
    found: Collection[Series],
) -> list[Payload]:
    """Rows of the list of trends, those that changed last first.

    Args:
        trends: Of what the run measured; one night alone is no trend.
        judged: Verdicts whose gates are drawn.
        found: Keys of trends that are shown all the same, because a finding refers to them.
    """
    gates = {Series.of_row(row): _nearest_gate(row) for row in judged}
    long = [trend for trend in trends if len(trend.points) > 1 or trend.key in found]
    ordered = sorted(long, key=lambda trend: _last_step(trend), reverse=True)
    return [_trend(trend, gates.get(trend.key)) for trend in ordered]


def _last_step(trend: Trend) -> tuple[int, int]:
    if not trend.steps:
        return (0, 0)
    step = trend.steps[-1]
    return (1 + step.is_worse, step.night)


def _nearest_gate(row: VerdictRow) -> float | None:
    sides = [side for side in (row.gate_min, row.gate_max) if side is not None]
    return min(sides, key=lambda side: abs(side - (row.median or 0.0)), default=None)


def _trend(trend: Trend, gate: float | None) -> Payload:
    step = trend.steps[-1] if trend.steps else None
    return {
        "id": trend.anchor,
        "metric": trend.key.metric,
        "model": " · ".join(word for word in (trend.key.model, trend.key.component) if word),
        "subject": subject_words(trend.key),
        "device": trend.key.device or "",
        "virtual": trend.virtual,
        "unit": trend.unit if trend.unit not in ("1", "share") else "",
        "better": trend.better,
        "latest": number(trend.points[-1].median),
        "change": step.change if step else None,
        "worse": yes_or_no(step is not None and step.is_worse),
        "changed": yes_or_no(step is not None),
        "gate": gate,
        "points": [
            [point.night, *map(rounded, (point.median, point.low, point.high))]
            for point in trend.points
        ],
        "steps": [
            [each.night, rounded(each.before), rounded(each.after), int(each.is_worse)]
            for each in trend.steps
        ],
    }
