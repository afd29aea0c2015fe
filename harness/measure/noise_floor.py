"""What one artifact differs from itself by: the floor below which a difference means nothing.

Fed with comparisons of an artifact with itself on one device (A/A), monthly (statistics §2.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.measure.comparison import NOISE_FLOOR, Comparison, Outcome

MIN_COMPARISONS = 5
"""Fewer A/A comparisons say too little about how far the next one may stray."""

CONFIDENCE = 0.99
"""Share of A/A comparisons that stay within the floor."""


@dataclass(frozen=True)
class NoiseFloor:
    """What A/A comparisons tell of a device.

    Attributes:
        share: The next comparison of an artifact with itself stays within this, 99 % sure.
        comparisons: How many it rests on; blocked ones do not count.
        different: How many were called faster or slower, though nothing differed.
        different_upper: Share of such calls that is still credible, 95 % sure (Clopper, Pearson).
    """

    share: float
    comparisons: int
    different: int
    different_upper: float

    @property
    def supports_rule(self) -> bool:
        """Whether the 3 % that comparisons take for noise are enough for this device."""
        return self.share <= NOISE_FLOOR


def noise_floor(comparisons: Sequence[Comparison]) -> NoiseFloor | None:
    """Estimate the floor from A/A comparisons of one device.

    Their true log ratio is 0, so each is a deviation; a t interval predicts the next one.

    Args:
        comparisons: Of artifacts with themselves.

    Returns:
        None below five comparisons that were not blocked.
    """
    counted = [one for one in comparisons if one.ratio is not None]
    if len(counted) < MIN_COMPARISONS:
        return None
    from scipy import stats  # its import takes longer than everything else at a session's start

    deviations = np.log([one.ratio for one in counted if one.ratio is not None])
    spread = math.sqrt(float(np.square(deviations).mean()))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(deviations))) * spread
    different = sum(one.outcome in (Outcome.FASTER, Outcome.SLOWER) for one in counted)
    interval = stats.binomtest(different, len(counted), alternative="less").proportion_ci(0.95)
    return NoiseFloor(math.expm1(reach), len(counted), different, float(interval.high))
