"""What the page's script shows: long lists and pictures as data, so that the page opens at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from itertools import accumulate
from typing import Any

from markupsafe import Markup

from harness.display import legible
from harness.measure.wording import plural
from harness.results.rows.schema import OutcomeRow, VerdictRow
from harness.results.series import Series
from reports.device_log import Gauge
from reports.findings import Finding
from reports.past import Night
from reports.standing import LABELS, standing
from reports.strip_plot import StripPlot
from reports.trends import LevelChange, Trend
from reports.verdict_folds import FoldedLine
from reports.wording import (
    change,
    day,
    level_words,
    measured,
    outcome_anchors,
    rounded,
    subject_words,
    unit_words,
    yes_or_no,
)

Payload = dict[str, Any]

_TONES = {"passed": "pass", "failed": "fail", "error": "fail", "skipped": "no-gate"}


def verdict_rows(lines: Sequence[FoldedLine], trends: Mapping[str, str]) -> list[Payload]:
    """Rows of the table of verdicts.

    Args:
        lines: As the table orders them.
        trends: Anchor of a trend by anchor of the verdict that continues it.
    """
    return [
        {
            "id": folded.line.anchor,
            **{
                name: value
                for name, value in vars(folded.line).items()
                if name not in ("plot", "anchor") and value not in (None, "", ())
            },
            "folds": folded.folds,
            "more": folded.more,
            "plot": _plot(folded.line.plot),
            "trend": trends.get(folded.line.anchor),
        }
        for folded in lines
    ]


def _plot(plot: StripPlot | None) -> Payload | None:
    if plot is None:
        return None
    return {
        "label": plot.description,
        "dots": [
            [dot.x, dot.y, dot.run, dot.value, *([dot.reason] if dot.reason else [])]
            for dot in plot.dots
        ],
        "bounds": [
            [bound.x, bound.shade_x, bound.shade_width, int(bound.beyond)] for bound in plot.bounds
        ],
        "interval": plot.interval,
        "median": plot.median_x,
    }


def test_rows(outcomes: Sequence[OutcomeRow]) -> list[Payload]:
    """Rows of the list of tests."""
    rows = []
    for anchor, row in zip(outcome_anchors("test", outcomes), outcomes, strict=True):
        file, _, name = row.test_id.partition("::")
        rows.append(
            {
                "id": anchor,
                "outcome": row.outcome,
                "tone": row.status.value if row.status else _TONES[row.outcome],
                "label": LABELS[row.status] if row.status else row.outcome,
                "name": name or file,
                "file": file,
                "reason": _reason(row),
                "seconds": round(row.duration_s, 2),
                "rerun": row.rerun_command,
            }
        )
    return rows


def _reason(row: OutcomeRow) -> str:
    """Why a test did not just pass, and how often it ran again."""
    rerun = f"rerun {plural(row.reruns, 'time')}" if row.reruns else ""
    return "; ".join(filter(None, (rerun, row.message.strip().partition("\n")[0])))


def night_rows(nights: Sequence[Night]) -> list[Payload]:
    """The runs that trends refer to by their number."""
    return [
        {
            "run": night.run_id,
            "at": night.started_at.isoformat(timespec="seconds"),
            "ending": night.ending,
            "commit": (night.commit or "")[:12],
        }
        for night in nights
    ]


def gauge_rows(gauges: Sequence[Gauge]) -> list[Payload]:
    """Values of one chart per gauge."""
    return [
        {
            "values": [
                {**vars(reading), "at": reading.at.isoformat(timespec="seconds")}
                for reading in gauge.readings
            ]
        }
        for gauge in gauges
    ]


def to_script(payload: Payload) -> Markup:
    """JSON that no text inside of it can end the ``<script>`` of, or open a comment in.

    A dataclass is an object of its fields. Texts are as the page shows them.
    """
    text = json.dumps(_legible(payload), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(
        text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def _legible(value: Any) -> Any:
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, Mapping):
        return {name: _legible(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_legible(part) for part in value]
    return _legible(vars(value)) if is_dataclass(value) else value


STEADY = "steady"
"""Fold of the trends that have nothing to tell."""

OPEN_STEADY = 8
"""Of those so many are shown at first."""


def trend_rows(
    trends: Sequence[Trend],
    judged: Sequence[VerdictRow],
    findings: Sequence[Finding],
    nights: Sequence[Night],
) -> list[Payload]:
    """Rows of the list of trends: what the headline tells first, then by their last change.

    Args:
        trends: Of what the run measured; one night alone is no trend, unless it is a finding.
        judged: Verdicts of the run, whose gates are drawn.
        findings: What got worse or better; their words are those of the headline.
        nights: That trends number.
    """
    verdicts = {Series.of_row(row): row for row in judged}
    found = {finding.key: finding for finding in findings}
    worse = {finding.key for finding in findings if finding.kind == "worse"}
    long = [trend for trend in trends if len(trend.points) > 1 or trend.key in found]
    ordered = sorted(long, key=lambda trend: _urgency(trend, found.get(trend.key)))
    is_steady = [trend.key not in found and not trend.steps for trend in ordered]
    before = list(accumulate(is_steady, initial=0))
    return [
        {
            **_trend(trend),
            **_judged(verdicts.get(trend.key)),
            "steps": [_step(step, trend.unit, nights) for step in trend.steps],
            "last_change": _last_change(trend, found.get(trend.key), nights),
            "worse": yes_or_no(trend.key in worse),
            "folds": [STEADY] if is_steady[place] and before[place] >= OPEN_STEADY else [],
        }
        for place, trend in enumerate(ordered)
    ]


def _urgency(trend: Trend, finding: Finding | None) -> tuple[int, int]:
    rank = 2 if finding is None else ("worse", "better").index(finding.kind)
    return rank, -trend.steps[-1].night if trend.steps else 0


def _judged(row: VerdictRow | None) -> Payload:
    if row is None:
        return {"gate": None}
    sides = [side for side in (row.gate_min, row.gate_max) if side is not None]
    gate = min(sides, key=lambda side: abs(side - (row.median or 0.0)), default=None)
    return {"gate": gate, "status": standing(row), "label": LABELS[standing(row)]}


def _last_change(trend: Trend, finding: Finding | None, nights: Sequence[Night]) -> Payload | None:
    """A trend's last change; the words of what the headline tells go before its own."""
    if finding is None:
        return _step(trend.steps[-1], trend.unit, nights) if trend.steps else None
    told: Payload = {"kind": finding.kind, "levels": finding.levels}
    if finding.cause:
        return {**told, "change": "gate"}
    if finding.change is None or finding.since is None:
        return told
    since = day(finding.since.started_at)
    return {**told, "share": finding.change, "change": change(finding.change), "since": since}


def _trend(trend: Trend) -> Payload:
    return {
        "id": trend.anchor,
        "metric": trend.key.metric,
        "model": " · ".join(word for word in (trend.key.model, trend.key.component) if word),
        "subject": subject_words(trend.key),
        "device": trend.key.device or "",
        "stand_in": trend.stand_in,
        "unit": unit_words(trend.unit),
        "better": trend.better,
        "latest": measured(trend.points[-1].median, trend.unit),
        "changed": yes_or_no(bool(trend.steps)),
        "points": [
            [point.night, *map(rounded, (point.median, point.low, point.high))]
            for point in trend.points
        ],
    }


def _step(step: LevelChange, unit: str, nights: Sequence[Night]) -> Payload:
    return {
        "night": step.night,
        "before": rounded(step.before),
        "after": rounded(step.after),
        "kind": "worse" if step.is_worse else "better",
        "share": rounded(step.change),
        "change": change(step.change),
        "since": day(nights[step.night].started_at),
        "levels": level_words(step.before, step.after, unit),
    }
