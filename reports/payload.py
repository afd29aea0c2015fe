"""What the page's script shows: long lists and pictures as data, so that the page opens at once."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup
from PIL import Image

from harness.measure.wording import number
from harness.results.rows.schema import OutcomeRow, VerdictRow
from harness.results.series import Series
from reports.device_log import Gauge
from reports.headline import LABELS
from reports.past import Night
from reports.stages import StageSpan
from reports.strip_plot import StripPlot
from reports.trends import Trend
from reports.verdict_table import VerdictLine
from reports.wording import outcome_anchors, rounded, subject_words, yes_or_no

Payload = dict[str, Any]

_TONES = {"passed": "pass", "failed": "fail", "error": "fail", "skipped": "no-gate"}


def verdict_rows(lines: Sequence[VerdictLine], trends: Mapping[str, str]) -> list[Payload]:
    """Rows of the table of verdicts.

    Args:
        lines: As the table orders them.
        trends: Anchor of a trend by anchor of the verdict that continues it.
    """
    return [
        {
            "id": line.anchor,
            **{
                name: value
                for name, value in vars(line).items()
                if name not in ("plot", "anchor") and value not in (None, "", ())
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
                "reason": row.message.strip().partition("\n")[0] if row.outcome != "passed" else "",
                "seconds": round(row.duration_s, 2),
                "rerun": row.rerun_command,
            }
        )
    return rows


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


def stage_rows(stages: Sequence[StageSpan]) -> list[Payload]:
    """Values of the chart of stages."""
    return [
        {**vars(one), "start_ms": rounded(one.start_ms), "end_ms": rounded(one.end_ms)}
        for one in stages
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

    A dataclass is an object of its fields.
    """
    text = json.dumps(
        payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=vars
    )
    return Markup(
        text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )


def trend_rows(
    trends: Sequence[Trend], judged: Sequence[VerdictRow], found: Collection[Series]
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


MAX_BYTES = 6_000_000
"""More would make the file too large to mail; the others stay in the run's folder."""


class Picture(NamedTuple):
    """A thumbnail as an address that holds all of it."""

    width: int
    height: int
    uri: str


def embed_pictures(
    folder: Path, names: Iterable[str], max_bytes: int = MAX_BYTES
) -> dict[str, Picture]:
    """Thumbnails by name, the first ones first; one whose file is missing is left out.

    Args:
        folder: Of the thumbnails.
        names: Most important first.
        max_bytes: Of all addresses together.
    """
    pictures: dict[str, Picture] = {}
    room = max_bytes
    for name in names:
        if not (folder / name).exists():
            continue
        picture = _picture(folder / name)
        room -= len(picture.uri)
        if room < 0:
            break
        pictures[name] = picture
    return pictures


def _picture(path: Path) -> Picture:
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
    data = base64.b64encode(content).decode("ascii")
    return Picture(width, height, f"data:image/jpeg;base64,{data}")
