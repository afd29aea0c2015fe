"""What the page's script shows: long lists as data, so that thousands of rows open at once."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from harness.measure.wording import number
from harness.results.rows import OutcomeRow, VerdictRow
from reports.answer_cards import AnswerCard, AnswerLine
from reports.device_log import Gauge
from reports.headline import LABELS
from reports.past import Night, Past
from reports.pictures import Picture
from reports.stages import Stage
from reports.strip_plot import StripPlot
from reports.trends import Trend, trend_key
from reports.verdict_table import VerdictLine
from reports.wording import configuration_words

Payload = dict[str, Any]

_TONES = {"passed": "pass", "failed": "fail", "error": "fail", "skipped": "no-gate"}
_DIGITS = 6


def verdict_rows(lines: Sequence[VerdictLine], trends: Mapping[str, str]) -> list[Payload]:
    """Rows of the table of verdicts.

    Args:
        lines: As the table orders them.
        trends: Anchor of a trend by anchor of the verdict that continues it.
    """
    fields = [name for name in VerdictLine.__dataclass_fields__ if name not in ("plot", "anchor")]
    return [
        {
            "id": line.anchor,
            **{
                name: getattr(line, name)
                for name in fields
                if getattr(line, name) not in (None, "", ())
            },
            "plot": _plot(line.plot),
            "trend": trends.get(line.anchor),
        }
        for line in lines
    ]


def _plot(plot: StripPlot | None) -> Payload | None:
    if plot is None:
        return None
    return {
        "label": plot.description,
        "dots": [
            [dot.x, dot.y, dot.value, *([dot.reason] if dot.reason else [])] for dot in plot.dots
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
    for number_, row in enumerate(outcomes):
        file, _, name = row.test_id.partition("::")
        rows.append(
            {
                "id": f"test-{number_}",
                "outcome": row.outcome,
                "tone": row.status.value if row.status else _TONES[row.outcome],
                "label": LABELS[row.status] if row.status else row.outcome,
                "name": name or file,
                "file": file,
                "reason": row.message.strip().partition("\n")[0] if row.outcome != "passed" else "",
                "seconds": round(row.duration_s, 2),
                "rerun": row.rerun_command,
            }
        )
    return rows


def answer_rows(cards: Sequence[AnswerCard]) -> list[Payload]:
    """Cards of the list of answers."""
    return [
        {
            "id": card.anchor,
            "model": card.model,
            "sample": card.sample_id,
            "kind": card.question_kind,
            "question": card.question,
            "expected": card.expected,
            "wrong": _yes(bool(card.wrong_answers)),
            "blind": _yes(card.ignores_image),
            "differ": _yes(card.disagrees),
            "blocks": [
                {
                    "variant": block.variant,
                    "image": block.image,
                    "columns": [
                        {"source": column.source, "lines": [_answer(line) for line in column.lines]}
                        for column in block.columns
                    ],
                }
                for block in card.blocks
            ],
        }
        for card in cards
    ]


def _answer(line: AnswerLine) -> Payload:
    pieces = [
        piece
        for word in line.words
        for piece in ([word.text, int(word.differs)], [word.space, None])
        if piece[0]
    ]
    return {"who": list(line.who), "mark": line.mark, "words": _merged(pieces)}


def _merged(pieces: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Neighbours that are alike in one piece; a space (None) is marked between marked words."""
    merged: list[list[Any]] = []
    for (text, differs), (_, following) in zip(pieces, [*pieces[1:], ("", 0)], strict=True):
        marked = differs if differs is not None else int(bool(merged[-1][1] and following))
        if merged and merged[-1][1] == marked:
            merged[-1][0] += text
        else:
            merged.append([text, marked])
    return merged


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


def trend_rows(
    trends: Sequence[Trend],
    past: Past,
    judged: Sequence[VerdictRow],
    found: Collection[tuple[str | None, ...]],
) -> list[Payload]:
    """Rows of the list of trends, those that changed last first.

    Args:
        trends: Of what the run measured; one night alone is no trend.
        past: The nights.
        judged: Verdicts whose gates are drawn.
        found: Keys of trends that are shown all the same, because a finding refers to them.
    """
    gates = {trend_key(row): _nearest_gate(row) for row in judged}
    long = [trend for trend in trends if len(trend.points) > 1 or trend.key in found]
    ordered = sorted(long, key=lambda trend: _last_step(trend, past), reverse=True)
    return [_trend(trend, gates.get(trend.key)) for trend in ordered]


def _last_step(trend: Trend, past: Past) -> tuple[int, int]:
    if not trend.steps:
        return (0, 0)
    step = trend.steps[-1]
    return (1 + step.is_worse, step.night)


def _nearest_gate(row: VerdictRow) -> float | None:
    sides = [side for side in (row.gate_min, row.gate_max) if side is not None]
    return min(sides, key=lambda side: abs(side - (row.median or 0.0)), default=None)


def _trend(trend: Trend, gate: float | None) -> Payload:
    step = trend.steps[-1] if trend.steps else None
    words = configuration_words(
        trend.of("mode"),
        trend.of("precision"),
        trend.of("target"),
        trend.of("soc"),
        trend.of("protocol"),
    )
    component = trend.of("component")
    return {
        "id": trend.anchor,
        "metric": trend.of("metric"),
        "model": " · ".join(word for word in (trend.of("model"), component) if word),
        "subject": words,
        "device": trend.of("device") or "",
        "virtual": trend.virtual,
        "unit": trend.unit if trend.unit not in ("1", "share") else "",
        "better": trend.better,
        "latest": number(trend.points[-1].median),
        "change": step.change if step else None,
        "worse": _yes(step is not None and step.is_worse),
        "changed": _yes(step is not None),
        "gate": gate,
        "points": [
            [point.night, *map(_rounded, (point.median, point.low, point.high))]
            for point in trend.points
        ],
        "steps": [
            [each.night, _rounded(each.before), _rounded(each.after), int(each.is_worse)]
            for each in trend.steps
        ],
    }


def stage_rows(stages: Sequence[Stage]) -> list[Payload]:
    """Values of the chart of stages."""
    return [
        {
            "run": stage.run,
            "stage": stage.stage,
            "start_ms": _rounded(stage.start_ms),
            "end_ms": _rounded(stage.end_ms),
        }
        for stage in stages
    ]


def gauge_rows(gauges: Sequence[Gauge]) -> list[Payload]:
    """Values of one chart per gauge."""
    return [
        {
            "values": [
                {
                    "at": reading.at.isoformat(timespec="seconds"),
                    "phase": reading.phase,
                    "value": reading.value,
                    "test": reading.test,
                }
                for reading in gauge.readings
            ]
        }
        for gauge in gauges
    ]


def picture_rows(pictures: Mapping[str, Picture]) -> Payload:
    """Thumbnails by name."""
    return {
        name: [picture.width, picture.height, picture.uri] for name, picture in pictures.items()
    }


def to_script(payload: Payload) -> Markup:
    """JSON that no text inside of it can end the ``<script>`` of, or open a comment in."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(
        text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def _rounded(value: float) -> float | None:
    """Six digits are more than a chart shows; None for what JSON cannot carry."""
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _yes(condition: bool) -> str:
    return "yes" if condition else "no"
