"""Rates of engines beside what memory allows, as a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import altair as alt
import vl_convert

from benchmarks.engines.figures import EngineRow
from benchmarks.engines.rounds import threads_in_words

_RATES = {
    "decode_tps": "decode, tokens per second; red: what memory allows",
    "prefill_tps": "prefill, tokens per second",
}
_WIDTH_PX, _BAND_PX = 360, 20
_COLOURS = ("#9ecae1", "#3182bd", "#08519c", "#08306b")
_NO_FRAME = alt.ViewConfig(stroke=None)


def write_picture(title: str, rows: Sequence[EngineRow], path: Path) -> None:
    """Draw a PNG: a bar per engine and number of threads, its bounds, and its limit."""
    chart = picture(title, rows).to_dict()
    path.write_bytes(vl_convert.vegalite_to_png(chart, scale=2))


def picture(title: str, rows: Sequence[EngineRow]) -> alt.HConcatChart:
    """One panel per rate."""
    panels = [_panel(name, heading, rows) for name, heading in _RATES.items()]
    return alt.HConcatChart(hconcat=panels, title=title, config=alt.Config(view=_NO_FRAME))


def bars(name: str, rows: Iterable[EngineRow]) -> list[dict[str, Any]]:
    """What one panel draws; a prefill has no limit of memory."""
    return [
        {
            "engine": row.engine,
            "threads": threads_in_words(row.threads or 0),
            "rate": figure.median,
            "lower": figure.lower,
            "upper": figure.upper,
            "limit": row.limit_tps if name == "decode_tps" else None,
        }
        for row in rows
        if (figure := row.figures.get(name)) is not None
    ]


def _panel(name: str, heading: str, rows: Sequence[EngineRow]) -> alt.LayerChart | alt.FacetChart:
    drawn = bars(name, rows)
    engines = list(dict.fromkeys(bar["engine"] for bar in drawn))
    threads = list(dict.fromkeys(bar["threads"] for bar in drawn))
    base = alt.Chart(alt.InlineData(values=drawn)).encode(
        y=alt.Y("engine:N", sort=engines, title=None, axis=alt.Axis(labelLimit=220)),
        yOffset=alt.YOffset("threads:N", sort=threads),
    )
    colour = alt.Color(
        "threads:N",
        sort=threads,
        title=None,
        scale=alt.Scale(domain=threads, range=list(_COLOURS[: len(threads)])),
    )
    bar = base.mark_bar().encode(x=alt.X("rate:Q", title=heading), color=colour)
    spread = base.mark_rule(strokeWidth=1.4).encode(x="lower:Q", x2="upper:Q")
    limit = base.mark_tick(color="#d62728", thickness=2, height=_BAND_PX * 0.8).encode(x="limit:Q")
    layers = [bar, spread, *([limit] if name == "decode_tps" else [])]
    height = _BAND_PX * len(engines) * max(len(threads), 1)
    return alt.layer(*layers).properties(width=_WIDTH_PX, height=height)
