"""What few noisy samples allow to say about their median."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

SAMPLE_COUNTS = (5, 10, 20)
"""Runs per look: measure 5, and more only while the verdict is open."""


@dataclass(frozen=True)
class MedianBounds:
    """One-sided bounds of the median.

    Attributes:
        lower: The median is at least this, with ``confidence``.
        upper: The median is at most this, with ``confidence``.
        confidence: Confidence that each bound holds by itself, at least what was asked for.
    """

    lower: float
    upper: float
    confidence: float


def median_bounds(samples: Sequence[float], confidence: float = 0.95) -> MedianBounds | None:
    """Bound the median of the distribution that independent samples came from.

    The k-th smallest sample exceeds the median only if fewer than k samples fell below it, a
    binomial event whatever the distribution: 5 samples bound it by their extremes (96.9 %),
    8 and 10 by the second (96.5 %, 98.9 %), 20 by the sixth from either end (97.9 %).
    See H. A. David, H. N. Nagaraja, Order Statistics, section 7.1.

    Args:
        samples: Independent values, in any order and unit.
        confidence: Wanted confidence of each bound, between 0.5 and 1.

    Returns:
        Bounds in the samples' unit, None if there are too few samples (below 5 at 95 %).
    """
    rank = _bound_rank(len(samples), confidence)
    if rank == 0:
        return None
    ordered = sorted(samples)
    return MedianBounds(ordered[rank - 1], ordered[-rank], _rank_confidence(rank, len(samples)))


@functools.cache
def _bound_rank(count: int, confidence: float) -> int:
    """Largest rank whose order statistic is a lower bound with the wanted confidence, 0 if none."""
    wanted = (rank for rank in range(count // 2, 0, -1))
    return next((rank for rank in wanted if _rank_confidence(rank, count) >= confidence), 0)


@functools.cache
def _rank_confidence(rank: int, count: int) -> float:
    """Chance that at least ``rank`` of ``count`` samples fall below the median."""
    from scipy import stats  # its import takes longer than everything else at a session's start

    return float(stats.binom.sf(rank - 1, count, 0.5))


def coefficient_of_variation(samples: Sequence[float]) -> float | None:
    """Sample standard deviation over the mean.

    None where that says nothing: below two samples, with a mean of 0, or with a sample that is not
    finite.
    """
    if len(samples) < 2 or not all(map(math.isfinite, samples)):
        return None
    mean = statistics.fmean(samples)
    return None if mean == 0 else statistics.stdev(samples) / abs(mean)


def next_sample_count(have: int) -> int | None:
    """How many runs there should be in all at the next look, None when there is no further one.

    Args:
        have: Runs made so far, invalid ones included.
    """
    return next((count for count in SAMPLE_COUNTS if count > have), None)
