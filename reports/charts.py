"""Charts as Vega-Lite specifications; the page fills in the values and draws what is looked at.

Colours are names of the page's CSS variables, so that a chart is light, dark or printed like the
rest of the page without being drawn again.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import vl_convert

_AXIS = {
    "domainColor": "var(--faint)",
    "tickColor": "var(--faint)",
    "gridColor": "var(--line)",
    "labelColor": "var(--muted)",
    "titleColor": "var(--muted)",
    "titleFontWeight": "normal",
    "labelFontSize": 11,
    "titleFontSize": 11,
}
_CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "var(--sans)",
    "axis": _AXIS,
    "legend": {"labelColor": "var(--muted)", "titleColor": "var(--muted)", "labelFontSize": 11},
    "header": {"labelColor": "var(--ink)", "labelFontSize": 12, "titleColor": "var(--muted)"},
    "view": {"stroke": None},
}
_DATA = alt.NamedData("values")
_Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def chart_specs() -> dict[str, dict[str, Any]]:
    """Every kind of chart by name, its data named ``values``."""
    charts: dict[str, _Chart] = {"trend": _trend(), "device": _device()}
    return {name: _specification(chart) for name, chart in charts.items()}


@cache
def chart_script() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script that needs no network."""
    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return script


def _specification(chart: _Chart) -> dict[str, Any]:
    specification: dict[str, Any] = chart.to_dict()
    specification["config"] = _CONFIG
    specification["autosize"] = {"type": "fit-x", "contains": "padding"}
    # Only an address, but an offline page should not even mention one.
    del specification["$schema"]
    return specification


def _trend() -> _Chart:
    """Nights of one trend: median, spread, levels between the changes, gate, and how it ended.

    Layers that need not have anything to draw bear the name of what they draw.
    """
    tooltip = [
        alt.Tooltip("at:T", title="night", format="%Y-%m-%d %H:%M"),
        alt.Tooltip("median:Q", format=".5~g"),
        alt.Tooltip("low:Q", title="lowest", format=".5~g"),
        alt.Tooltip("high:Q", title="highest", format=".5~g"),
        alt.Tooltip("ending:N", title="run"),
        alt.Tooltip("commit:N"),
        alt.Tooltip("run:N", title="id"),
    ]
    base = alt.Chart(_DATA).encode(x=alt.X("at:T", axis=_NIGHT_AXIS).title(None))
    scale = alt.Scale(zero=False, nice=True)
    spread = base.mark_rule(color="var(--link)", opacity=0.35, strokeWidth=2).encode(
        y=alt.Y("low:Q", scale=scale).title(None), y2="high:Q"
    )
    points = base.mark_circle(size=34, opacity=1, color="var(--link)").encode(
        y=alt.Y("median:Q", scale=scale), tooltip=tooltip
    )
    level = base.mark_line(
        interpolate="step-after", color="var(--ink)", strokeWidth=1.2, opacity=0.6
    ).encode(y="level:Q", detail="segment:N")
    gate = base.mark_line(color="var(--fail)", strokeWidth=1.2, strokeDash=[5, 3]).encode(
        y=alt.Y("gate:Q", scale=scale)
    )
    step = (
        base.transform_filter("datum.step != null")
        .mark_rule(strokeWidth=1.4)
        .encode(color=alt.Color("step:N", scale=_WORSE, legend=None))
    )
    named = {"gate": gate, "step": step, "level": level}
    optional = [layer.properties(name=name) for name, layer in named.items()]
    return alt.layer(spread, *optional, points).properties(width="container", height=190)


_NIGHT_AXIS = alt.Axis(
    grid=False, labelOverlap=True, labelSeparation=8, tickCount=7, format="%-d %b", labelBound=True
)
_WORSE = alt.Scale(domain=["worse", "better"], range=["var(--fail)", "var(--pass)"])


def _device() -> _Chart:
    """One quantity of one device over the session, before and after each run."""
    base = alt.Chart(_DATA).encode(
        x=alt.X("at:T")
        .title(None)
        .axis(grid=False, tickCount=5, format="%H:%M", labelOverlap=True, labelBound=True),
        y=alt.Y("value:Q", scale=alt.Scale(zero=False)).title(None),
    )
    line = base.mark_line(color="var(--link)", strokeWidth=1.4)
    points = base.mark_circle(size=26, opacity=1, color="var(--link)").encode(
        tooltip=[
            alt.Tooltip("at:T", title="at", format="%H:%M:%S"),
            alt.Tooltip("value:Q", format=".5~g"),
            "phase:N",
            alt.Tooltip("test:N"),
        ]
    )
    return alt.layer(line, points).properties(width="container", height=110)
