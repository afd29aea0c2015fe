"""Judging how much accuracy was lost, by what chance of sample may hide on either side."""

from __future__ import annotations

from collections.abc import Sequence

from harness.measure.accuracy_delta import MIN_IMAGES, ScoredPair, accuracy_delta
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
    evidence = f"{_bounds(judged)}{plural(images, 'image')}"
    sentence = f"{describe_subject(judged)} is {number(drop)} ({evidence}){outcome}"
    return judged.model_copy(update={"sentence": sentence})


def _turned(bound: float) -> float:
    """A bound of what was lost from one of what was gained; no difference is 0 and not -0."""
    return 0.0 - bound


def _bounds(judged: Verdict) -> str:
    if judged.lower is None or judged.upper is None:
        return f"{MIN_IMAGES} images would bound it, "
    sure = f"{CONFIDENCE:.0%} sure".replace("%", " %")
    return f"{sure} >= {number(judged.lower)}, {sure} <= {number(judged.upper)}, "
