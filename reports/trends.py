"""Trends: one metric of one configuration on one physical device, night by night."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.measure.change_point import find_change_points
from harness.measure.metrics import METRICS, Better
from harness.results.query import nightly
from harness.results.series import Series
from harness.results.stand_in import stand_in
from reports.past import Past
from reports.wording import anchor

_REACH = 4


@dataclass(frozen=True)
class TrendPoint:
    """One night of a trend.

    Attributes:
        night: Number among the nights of the past.
        median: Of the night's valid samples.
        low: The smallest of them.
        high: The largest of them.
    """

    night: int
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class LevelChange:
    """A change of level.

    Attributes:
        night: The first night of the new level.
        before: Level of the nights before it.
        after: Level from that night on.
        is_worse: Whether it went the wrong way.
    """

    night: int
    before: float
    after: float
    is_worse: bool

    @property
    def change(self) -> float:
        """Share by which the level changed; negative for less."""
        return self.after / self.before - 1


@dataclass(frozen=True)
class Trend:
    """All nights of one configuration on one device.

    Attributes:
        key: What it is of.
        anchor: Stable fragment to link to.
        unit: Of the points.
        better: Which direction is an improvement.
        stand_in: What computed it in a phone's place; such a trend has no changes.
        points: In the order of the nights.
        steps: Where the level changed.
    """

    key: Series
    anchor: str
    unit: str
    better: Better
    stand_in: str | None
    points: tuple[TrendPoint, ...]
    steps: tuple[LevelChange, ...]

    def at(self, night: int) -> TrendPoint | None:
        """The point of a night, None where nothing was measured."""
        return next((point for point in self.points if point.night == night), None)


def find_trends(past: Past) -> tuple[Trend, ...]:
    """Trends of what the reported run measured, by model, metric and device."""
    numbers = {night.run_id: number for number, night in enumerate(past.nights)}
    samples = past.history.samples
    points = nightly(samples[samples["run_id"].isin(numbers)], past.history.verdicts)
    points = points.assign(night=points["run_id"].map(numbers).astype("int64"))
    now = points.loc[points["night"] == past.now, "series"]
    current = points[points["series"].isin(now)]
    columns = {name: current[name].tolist() for name in current}
    starts = [
        number
        for number, (one, other) in enumerate(pairwise([None, *columns["series"]]))
        if one != other
    ]
    bounds = pairwise([*starts, len(current)])
    trends = [_trend(columns, range(start, end)) for start, end in bounds]
    return tuple(sorted(trends, key=lambda trend: tuple(map(str, trend.key))))


def _trend(columns: Mapping[str, Sequence[Any]], rows: range) -> Trend:
    first = {name: values[rows.start] for name, values in columns.items()}
    key = Series.of_record(first)
    night, median, low, high = (columns[name] for name in ("night", "median", "low", "high"))
    points = tuple(TrendPoint(night[row], median[row], low[row], high[row]) for row in rows)
    metric = METRICS.get(key.metric)
    computer = stand_in(key.metric, key.target, bool(first["virtual"]))
    return Trend(
        key=key,
        anchor=anchor("trend", *key),
        unit=str(first["unit"]),
        better=metric.better if metric else "higher",
        stand_in=computer,
        points=points,
        steps=_steps(points, metric.better) if metric and not computer else (),
    )


def _steps(points: Sequence[TrendPoint], better: Better) -> tuple[LevelChange, ...]:
    """Changes of level; none where a value has no ratio to another: 0, or an infinite SQNR."""
    medians = [point.median for point in points]
    if not all(math.isfinite(value) and value > 0 for value in medians):
        return ()
    starts = [0, *(change.index for change in find_change_points(medians)), len(medians)]
    for number in range(1, len(starts) - 1):
        starts[number] = _sharpened(medians, starts[number - 1], starts[number], starts[number + 1])
    levels = [statistics.median(medians[one:other]) for one, other in pairwise(starts)]
    return tuple(
        LevelChange(points[start].night, before, after, (after < before) == (better == "higher"))
        for start, (before, after) in zip(starts[1:-1], pairwise(levels), strict=True)
    )


def _sharpened(values: Sequence[float], start: int, found: int, end: int) -> int:
    """Where a change lies, seen from today: nights that came since move it by some at most.

    The split of least squares, ``_REACH`` nights around the one that the change was found by.
    """
    splits = range(max(start + 1, found - _REACH), min(end - 1, found + _REACH) + 1)

    def residue(split: int) -> float:
        parts = (values[start:split], values[split:end])
        return sum(statistics.pvariance(part) * len(part) for part in parts)

    return min(splits, key=residue)
