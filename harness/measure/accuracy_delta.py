"""How much worse a device answers than its reference, on the same questions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.estimate import CONFIDENCE, Estimate, effective_count
from harness.measure.wording import number, plural

_ALMOST_NOTHING = 1e-12
"""Stands in for a variance of 0: no scatter at all is as clear as can be."""


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
        lower: The true mean delta is at least this, 98.5 % sure.
        upper: It is at most this, 98.5 % sure.
        images: Clusters of questions.
        questions: Pairs in all.
    """

    mean: float
    lower: float
    upper: float
    images: int
    questions: int


def accuracy_delta(pairs: Sequence[ScoredPair]) -> AccuracyDelta | None:
    """The drop as a gain, for those who lay one beside the other; None without pairs."""
    if not pairs:
        return None
    lost = drop(pairs)
    assert lost.lower is not None
    assert lost.upper is not None
    # No difference is 0 and not -0.
    mean, lower, upper = (0.0 - value for value in (lost.value, lost.upper, lost.lower))
    images = len({pair.image for pair in pairs})
    return AccuracyDelta(mean, lower, upper, images, len(pairs))


def drop(pairs: Sequence[ScoredPair], words: tuple[str, str] = ("lost", "gained")) -> Estimate:
    """Mean score of the reference minus that of the device, with bounds for paired shares.

    The bounds are T. Tango's (1998), which need no two answers to differ: that none of 24 did
    leaves room for some of the next 24. The lower one is corrected for continuity, without which
    it errs where a few answers decide.

    Args:
        pairs: One per question.
        words: For what is right on the reference's side alone, and on the other alone.

    Raises:
        ValueError: If there are none.
    """
    if not pairs:
        raise ValueError("no answers, no drop")
    lost = math.fsum(max(pair.reference - pair.measured, 0.0) for pair in pairs)
    gained = math.fsum(max(pair.measured - pair.reference, 0.0) for pair in pairs)
    clusters = effective_count(pair.image for pair in pairs)
    scale = clusters / len(pairs)
    upper = _tango_bound(lost * scale, gained * scale, clusters)
    lower = -_tango_bound(gained * scale, lost * scale, clusters, correction=0.5)
    told = f"{number(lost)} {words[0]} and {number(gained)} {words[1]} of "
    return Estimate(
        value=(lost - gained) / len(pairs),
        interval="difference",
        # No difference is 0 and not -0.
        lower=0.0 + lower,
        upper=upper,
        count_of=len(pairs),
        counted="answer",
        count=lost - gained,
        told=told + plural(len(pairs), "answer"),
    )


def _tango_bound(lost: float, gained: float, count: float, correction: float = 0.0) -> float:
    """Largest difference that what was lost and gained of ``count`` does not speak against."""
    from scipy import optimize, stats

    quantile = float(stats.norm.ppf(CONFIDENCE))

    def excess(difference: float) -> float:
        return _tango_score(lost, gained, count, difference, correction) + quantile

    almost = 1 - 1e-9
    if excess(almost) > 0:
        return 1.0
    return float(optimize.brentq(excess, (lost - gained) / count, almost))


def _tango_score(
    lost: float, gained: float, count: float, difference: float, correction: float
) -> float:
    """Standard score of what was found, were ``difference`` the truth; negative below it."""
    a = 2 * count
    b = (a - lost + gained) * difference - lost - gained
    c = -gained * difference * (1 - difference)
    likely_gained = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = count * (2 * likely_gained + difference * (1 - difference))
    distance = lost - gained - count * difference + correction
    return distance / math.sqrt(max(variance, _ALMOST_NOTHING))
