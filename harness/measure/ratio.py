"""Quotients of two sums over questions, such as mean lengths, with other scenes in mind."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.estimate import CONFIDENCE, Estimate
from harness.measure.wording import plural

MIN_SCENES = 25
"""Below this their own scatter says too little about that of others."""


@dataclass(frozen=True)
class Part:
    """What one unit adds to a ratio of two sums.

    Attributes:
        scene: What it is about; units of one scene form a cluster.
        numerator: Added to the sum above.
        denominator: Added to the sum below.
    """

    scene: str
    numerator: float
    denominator: float


def ratio(parts: Sequence[Part], counted: str) -> Estimate:
    """Sum of numerators over sum of denominators, by what scenes add to either.

    Its bounds are Student's for the residuals of scenes, as samplers estimate a ratio: W. G.
    Cochran, Sampling Techniques, section 6.4.

    Args:
        parts: One per unit.
        counted: What they are, in the singular.

    Returns:
        Without bounds below 25 scenes.

    Raises:
        ValueError: If the denominators sum up to nothing.
    """
    total = math.fsum(part.denominator for part in parts)
    if total <= 0:
        raise ValueError(f"{plural(len(parts), counted)} have no ratio to anything")
    value = math.fsum(part.numerator for part in parts) / total
    residuals: dict[str, float] = defaultdict(float)
    for part in parts:
        residuals[part.scene] += part.numerator - value * part.denominator
    reach = _reach(list(residuals.values()), total)
    return Estimate(
        value=value,
        interval="ratio",
        lower=None if reach is None else value - reach,
        upper=None if reach is None else value + reach,
        count_of=len(parts),
        counted=counted,
        count=None,
        told=plural(len(parts), counted),
    )


def _reach(residuals: Sequence[float], total: float) -> float | None:
    count = len(residuals)
    if count < MIN_SCENES:
        return None
    from scipy import stats  # its import takes longer than everything else at a session's start

    variance = count / (count - 1) * math.fsum(residual**2 for residual in residuals)
    return float(stats.t.ppf(CONFIDENCE, count - 1)) * math.sqrt(variance) / total
