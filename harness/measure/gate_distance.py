"""How far from a gate runs must lie before a verdict may rest on it.

Order-statistic bounds hold for independent runs alone. Where a device heats up, or its speed comes
and goes, five neighbouring runs agree on a value that the session as a whole does not have, and
nothing in them shows it. So a verdict needs distance, counted in standard deviations of the runs:
much of it early, little once the whole session has been seen, more again where the order of
runs looks anything but random.

Or it needs none, where every single run lies so far beyond the gate that all they moved, moved
again, would not bring one of them back. ``python -m benchmarks.simulate`` shows what these
distances achieve.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.measure.wording import number

_DISTANCES = ((14, 0.7), (7, 4.5), (0, 7.0))
"""Least distance from so many valid runs on: the three looks, each with up to 30 % invalid."""

_SPANS = ((14, 1.0), (7, 2.0), (0, 4.0))
"""Least distance of the nearest run, in spans of all runs: a steady drift would move a whole
session of 20 by so many times what the first 5 or 10 runs of it show."""

_SUSPECT_P_VALUE = 0.05
_SUSPECT_DISTANCE = 1.2
_WANDERING_P_VALUE = 0.003
_WANDERING_DISTANCE = 4.0


@dataclass(frozen=True)
class GateDistance:
    """Distance between runs and gate, had and needed.

    Attributes:
        distance: In standard deviations of the runs; infinite where they do not scatter.
        needed: The same, at least.
        trend: What made it more than usual, None if nothing did.
        is_out_of_reach: Whether no run could come to the gate by what moves them.
    """

    distance: float
    needed: float
    trend: str | None
    is_out_of_reach: bool = False

    @property
    def suffices(self) -> bool:
        """Whether a verdict may rest on the median."""
        return self.is_out_of_reach or self.distance >= self.needed

    @property
    def doubt(self) -> str:
        """Why no verdict may rest on the runs: ``too close for so few runs (5.1 of 7 sd)``."""
        why = self.trend or "too close for so few runs"
        return f"{why} ({number(self.distance, 2)} of {self.needed:g} standard deviations away)"


def gate_distance(samples: Sequence[float], bounds: Sequence[float]) -> GateDistance:
    """Measure how clearly samples lie on one side of a gate.

    Args:
        samples: Valid values in order of time, at least two.
        bounds: Of the gate, one or two; the nearest counts.
    """
    # The median of runs with two speeds jumps from one to the other; their mean does not.
    centre = statistics.fmean(samples)
    gap = min(abs(centre - bound) for bound in bounds)
    needed = next(least for count, least in _DISTANCES if len(samples) >= count)
    scatter = statistics.stdev(samples) if all(map(math.isfinite, samples)) else 0.0
    distance = gap / scatter if scatter else math.inf
    away = is_out_of_reach(samples, bounds)
    if distance < needed or distance >= max(_SUSPECT_DISTANCE, _WANDERING_DISTANCE):
        return GateDistance(distance, needed, None, away)
    trend, wanted = _suspicion(trend_test(samples))
    return GateDistance(distance, max(needed, wanted), trend if wanted > needed else None, away)


def is_out_of_reach(samples: Sequence[float], bounds: Sequence[float]) -> bool:
    """Whether all runs lie beyond each bound by several times what they span.

    Counted as factors where everything is positive, as it is for speeds, times and sizes: a run
    that took three times as long may next take three times as long again, but not minus that.

    Args:
        samples: Valid values in any order.
        bounds: Of the gate, one or two.
    """
    values, limits = np.asarray(samples, np.float64), np.asarray(bounds, np.float64)
    if not np.isfinite(values).all():
        return False
    if values.min() > 0 and limits.min() > 0:
        values, limits = np.log(values), np.log(limits)
    gaps = values[:, None] - limits
    if not ((gaps > 0).all(axis=0) | (gaps < 0).all(axis=0)).all():
        return False
    spans = next(least for count, least in _SPANS if len(samples) >= count)
    return bool(np.abs(gaps).min() >= spans * np.ptp(values))


def _suspicion(test: TrendTest) -> tuple[str | None, float]:
    if test.wander_p_value < _WANDERING_P_VALUE:
        return "neighbouring runs resemble each other", _WANDERING_DISTANCE
    if test.drift_p_value < _SUSPECT_P_VALUE:
        return "runs drift in one direction", _SUSPECT_DISTANCE
    if test.wander_p_value < _SUSPECT_P_VALUE:
        return "neighbouring runs resemble each other", _SUSPECT_DISTANCE
    return None, 0.0


MIN_RUNS = 5
"""Fewer runs show no trend whatever their order."""


@dataclass(frozen=True)
class TrendTest:
    """How unlikely the order of runs is if it does not matter.

    Attributes:
        drift_p_value: Two-sided, of Mann and Kendall's test for a steady rise or fall.
        wander_p_value: One-sided, of Bartels' test for neighbours that resemble each other.
    """

    drift_p_value: float
    wander_p_value: float


def trend_test(samples: Sequence[float]) -> TrendTest:
    """Test runs in the order in which they were made; below 5 runs both p values are 1.

    Args:
        samples: Valid values in order of time, in any unit.
    """
    if len(samples) < MIN_RUNS or min(samples) == max(samples):
        return TrendTest(1.0, 1.0)
    # scipy's import takes longer than everything else at a session's start.
    from scipy import stats

    ranks = stats.rankdata(samples)
    drift = stats.kendalltau(np.arange(len(ranks)), ranks).pvalue
    lowest, highest, shape = _beta(len(ranks))
    position = (rank_ratio(ranks.tolist()) - lowest) / (highest - lowest)
    return TrendTest(float(drift), float(stats.beta.cdf(position, shape, shape)))


def rank_ratio(ranks: Sequence[float]) -> float:
    """Von Neumann's ratio of ranks: squared steps over squared deviations, 2 on average.

    R. Bartels, The Rank Version of von Neumann's Ratio Test for Randomness, JASA 77 (1982).
    """
    values = np.asarray(ranks, dtype=np.float64)
    return float(np.square(np.diff(values)).sum() / np.square(values - values.mean()).sum())


def _beta(count: int) -> tuple[float, float, float]:
    """Bartels' beta distribution with the ratio's variance, as lowest, highest and shape.

    Its range is that of the ratio of any values; ranks cannot leave it.
    """
    half_range = 2 * math.cos(math.pi / count)
    variance = (
        4
        * (count - 2)
        * (5 * count**2 - 2 * count - 9)
        / (5 * count * (count + 1) * (count - 1) ** 2)
    )
    shape = (half_range**2 / variance - 1) / 2
    return 2 - half_range, 2 + half_range, shape
