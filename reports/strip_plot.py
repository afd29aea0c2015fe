"""Geometry of a strip plot: every sample of a verdict on one axis with its gate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.results.rows.schema import SampleRow, VerdictRow
from reports.wording import measured, unit_words

WIDTH = 200.0
HEIGHT = 30.0
_MARGIN = 9.0
_FAR = 6.0
"""A gate further away than this many spans of the data is drawn as an arrow at the edge."""


@dataclass(frozen=True)
class Dot:
    """One sample; ``y`` follows the order of the runs from top to bottom, so drift is a slope.

    Attributes:
        run: Number of the run, from 1; 0 where there was none.
        value: In words, without its unit.
        reason: Why it was not counted, None if it was.
    """

    x: float
    y: float
    run: int
    value: str
    reason: str | None


@dataclass(frozen=True)
class Bound:
    """One side of the gate; ``x`` is at the edge when the bound lies beyond it."""

    x: float
    shade_x: float
    shade_width: float
    beyond: bool
    is_minimum: bool


@dataclass(frozen=True)
class StripPlot:
    """What the template draws, in units of a ``WIDTH`` x ``HEIGHT`` view box."""

    description: str
    dots: tuple[Dot, ...]
    bounds: tuple[Bound, ...]
    interval: tuple[float, float] | None
    median_x: float | None


def strip_plot(row: VerdictRow, samples: Sequence[SampleRow]) -> StripPlot | None:
    """Lay a verdict's samples out beside its gate; None if there is nothing finite to draw.

    Args:
        row: The verdict.
        samples: Its samples in the order of the runs, invalid ones included.
    """
    drawn = [sample for sample in samples if math.isfinite(sample.value)]
    data = [sample.value for sample in drawn] + _finite(row.median, row.lower, row.upper)
    if not data:
        return None
    axis = _Axis.around(data, _finite(row.gate_min, row.gate_max))
    return StripPlot(
        description=_description(row, drawn),
        dots=_dots(drawn, axis) or _exact_dot(row, axis),
        bounds=_bounds(row, axis),
        interval=_interval(row, axis),
        median_x=axis.x(row.median) if _finite(row.median) and row.median is not None else None,
    )


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float

    @classmethod
    def around(cls, data: Sequence[float], bounds: Sequence[float]) -> _Axis:
        low, high = min(data), max(data)
        span = high - low
        # Scatter must stay visible beside a distant gate; a single exact value has none to lose.
        reach = _FAR * span if span else math.inf
        near = [bound for bound in bounds if low - reach <= bound <= high + reach]
        low, high = min([low, *near]), max([high, *near])
        air = 0.1 * (high - low) or 0.1 * abs(low) or 1.0
        return cls(low - air, high + air)

    def x(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 1)

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def _finite(*values: float | None) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _dots(samples: Sequence[SampleRow], axis: _Axis) -> tuple[Dot, ...]:
    last = max(len(samples) - 1, 1)
    top = 6.0 if len(samples) > 1 else HEIGHT / 2
    return tuple(
        Dot(
            x=axis.x(sample.value),
            y=round(top + index / last * (HEIGHT - 12.0), 1),
            run=sample.run_index + 1,
            value=measured(sample.value, sample.unit),
            reason=None if sample.valid else sample.invalid_reason or "not counted",
        )
        for index, sample in enumerate(samples)
    )


def _exact_dot(row: VerdictRow, axis: _Axis) -> tuple[Dot, ...]:
    if row.median is None or not math.isfinite(row.median):
        return ()
    return (Dot(axis.x(row.median), HEIGHT / 2, 0, measured(row.median, row.unit), reason=None),)


def _bounds(row: VerdictRow, axis: _Axis) -> tuple[Bound, ...]:
    bounds = []
    for value, is_minimum in ((row.gate_min, True), (row.gate_max, False)):
        if value is None:
            continue
        beyond = not axis.holds(value)
        edge = 1.0 if value < axis.low else WIDTH - 1.0
        x = edge if beyond else axis.x(value)
        shade = (0.0, x) if is_minimum else (x, WIDTH - x)
        bounds.append(Bound(x, shade[0], round(shade[1], 1), beyond, is_minimum))
    return tuple(bounds)


def _interval(row: VerdictRow, axis: _Axis) -> tuple[float, float] | None:
    if row.lower is None or row.upper is None or row.lower == row.upper:
        return None
    if not _finite(row.lower) or not _finite(row.upper):
        return None
    start = axis.x(row.lower)
    return start, round(axis.x(row.upper) - start, 1)


def _description(row: VerdictRow, samples: Sequence[SampleRow]) -> str:
    if not samples:
        return f"{row.metric}: no single samples kept"
    values = [sample.value for sample in samples]
    return (
        f"{len(samples)} samples of {row.metric} from {measured(min(values), row.unit)} to "
        f"{measured(max(values), row.unit)} {unit_words(row.unit)}, in the order of the runs from "
        "top to bottom"
    )
