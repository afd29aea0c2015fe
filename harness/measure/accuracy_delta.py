"""How much worse a device answers than its reference, with what chance of sample may hide, judged.

Scores are paired by question; questions about one image stand or fall together, so whole images are
resampled (statistics §2.9).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.verdict import (
    CONFIDENCE,
    Verdict,
    describe_outcome,
    describe_subject,
    judge_bounds,
)
from harness.measure.wording import number, plural

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


def accuracy_delta(pairs: Sequence[ScoredPair]) -> AccuracyDelta | None:
    """Bound the mean delta on either side by resampling images, all their questions with them.

    Args:
        pairs: At least one per image.

    Returns:
        None below ten images. Seeded, so that one set of scores has one pair of bounds.
    """
    sums, counts = _clusters(pairs)
    if len(counts) < MIN_IMAGES:
        return None
    lower, upper = _bounds(sums, counts)
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


def _bounds(sums: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float]:
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
        confidence_level=2 * CONFIDENCE - 1,
        # BCa, scipy's default, has no value where all images agree.
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def drop_of(pairs: Sequence[ScoredPair]) -> float:
    """Mean score of the reference minus that of the device, over questions.

    Raises:
        ValueError: If nothing was asked.
    """
    if not pairs:
        raise ValueError("no answers, no drop")
    return sum(pair.reference - pair.measured for pair in pairs) / len(pairs)


def judge_drop(
    pairs: Sequence[ScoredPair],
    gate: Gate | None,
    metric: str,
    context: Context,
    *,
    provenance: Provenance,
) -> Verdict:
    """Judge a drop by its bounds over other images that might have been asked about.

    PASS if the drop is within the gate and FAIL if it is beyond, each 95 % sure; else
    INCONCLUSIVE, as always below ten images. Answers repeat exactly, so more of them need other
    images and never another run (statistics §2.7, §2.9).

    Args:
        pairs: One per question.
        gate: From ``find_gate``.
        metric: Name of the metric.
        context: Where the answers come from.
        provenance: Goes into the row proposed where there is no gate.

    Raises:
        UserError: If there is no such metric.
        ValueError: If nothing was asked.
    """
    drop, delta = drop_of(pairs), accuracy_delta(pairs)
    lower, upper = (_turned(delta.upper), _turned(delta.lower)) if delta else (None, None)
    judged = judge_bounds(drop, lower, upper, gate, metric, context, provenance)
    images = len({pair.image for pair in pairs})
    outcome = describe_outcome(judged, ", ask about more images", f"{MIN_IMAGES} images")
    evidence = f"{_bound_words(judged)}{plural(images, 'image')}"
    sentence = f"{describe_subject(judged)} is {number(drop)} ({evidence}){outcome}"
    return judged.model_copy(update={"sentence": sentence})


def _turned(bound: float) -> float:
    """A bound of what was lost from one of what was gained; no difference is 0 and not -0."""
    return 0.0 - bound


def _bound_words(judged: Verdict) -> str:
    if judged.lower is None or judged.upper is None:
        return f"{MIN_IMAGES} images would bound it, "
    sure = f"{CONFIDENCE:.0%} sure".replace("%", " %")
    return f"{sure} >= {number(judged.lower)}, {sure} <= {number(judged.upper)}, "
