"""How much worse a device answers than its reference, with what chance of sample may hide.

Scores are paired by question; questions about one image stand or fall together, so whole images are
resampled (statistics §2.9).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_IMAGES = 10
"""Below this a bootstrap's interval is too narrow to be trusted."""

_RESAMPLES = 9_999
_BATCH = 500
"""Resamples in memory at a time: hundreds of images each."""
_SEED = 20_260_125


@dataclass(frozen=True)
class ScoredPair:
    """One question, answered by reference and device.

    Attributes:
        image: What the question is about; questions of one image form a cluster.
        reference: Score of the reference's answer, 0 to 1.
        measured: Score of the device's answer, 0 to 1.
    """

    image: str
    reference: float
    measured: float


@dataclass(frozen=True)
class AccuracyDelta:
    """Mean of measured minus reference scores.

    Attributes:
        mean: Over questions; negative where the device is worse.
        lower: The true mean delta is at least this, 95 % sure.
        upper: It is at most this, 95 % sure.
        images: Clusters that were resampled.
        questions: Pairs in all.
    """

    mean: float
    lower: float
    upper: float
    images: int
    questions: int


def accuracy_delta(pairs: Sequence[ScoredPair], confidence: float = 0.95) -> AccuracyDelta | None:
    """Bound the mean delta on either side by resampling images, all their questions with them.

    Args:
        pairs: At least one per image.
        confidence: Of each bound by itself.

    Returns:
        None below ten images. Seeded, so that one set of scores has one pair of bounds.
    """
    sums, counts = _clusters(pairs)
    if len(counts) < MIN_IMAGES:
        return None
    lower, upper = _bounds(sums, counts, confidence)
    return AccuracyDelta(
        mean=float(sums.sum() / counts.sum()),
        lower=lower,
        upper=upper,
        images=len(counts),
        questions=len(pairs),
    )


def length_ratio(generated: Sequence[int], reference: Sequence[int]) -> float:
    """Mean generated length over the reference's mean length, in tokens.

    Raises:
        ValueError: If the answers cannot be paired, or the reference generated nothing.
    """
    if len(generated) != len(reference) or not sum(reference):
        raise ValueError(f"{len(generated)} lengths cannot be held against {len(reference)}")
    return statistics.fmean(generated) / statistics.fmean(reference)


def _clusters(pairs: Sequence[ScoredPair]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of deltas and number of questions by image."""
    deltas: dict[str, list[float]] = {}
    for pair in pairs:
        deltas.setdefault(pair.image, []).append(pair.measured - pair.reference)
    sums = np.array([sum(of_image) for of_image in deltas.values()], dtype=np.float64)
    counts = np.array([len(of_image) for of_image in deltas.values()], dtype=np.float64)
    return sums, counts


def _bounds(
    sums: NDArray[np.float64], counts: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    """Of the mean over questions; an image is drawn with all of its questions."""
    from scipy import stats  # its import takes longer than everything else at a session's start

    def mean(
        drawn_sums: NDArray[np.float64], drawn_counts: NDArray[np.float64], axis: int
    ) -> NDArray[np.float64]:
        means: NDArray[np.float64] = drawn_sums.sum(axis) / drawn_counts.sum(axis)
        return means

    drawn = stats.bootstrap(
        (sums, counts),
        mean,
        paired=True,
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=_BATCH,
        # Both bounds may err by themselves, so the interval between them errs twice as often.
        confidence_level=2 * confidence - 1,
        # BCa, scipy's default, has no value where all images agree.
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)
