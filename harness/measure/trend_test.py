"""Whether runs of one session depend on when they were made: heating, or a slow coming and going.

Bounds on a median take runs for independent. Both tests work on ranks, so they ask for no
distribution; neither can see much in five runs, which is what ``clearance`` is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
