"""Judging samples against a gate: pass, fail, or honestly neither."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel

from harness.measure.gate import Context, Gate
from harness.measure.gate_distance import GateDistance, gate_distance
from harness.measure.metrics import get_metric
from harness.measure.proposal import Provenance, propose_gate, render_gate, unrest
from harness.measure.sample import Sample, describe_invalid, too_many_invalid
from harness.measure.statistics import coefficient_of_variation, median_bounds, next_sample_count
from harness.measure.wording import bound, number, plural
from harness.targets.registry import speedless_targets

CONFIDENCE = 0.95

Interval = Literal["median", "share", "difference", "ratio", "exact"]
"""What a verdict's bounds are, see ``VerdictRow``."""

_NEEDED = "5 valid finite samples"


class Status(StrEnum):
    """How a verdict ends; the values are what ``--allow`` takes."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_GATE = "no-gate"
    BLOCKED = "blocked"


class Verdict(BaseModel, frozen=True, extra="forbid", ser_json_inf_nan="constants"):
    """What was judged, how it ended, and the evidence.

    Attributes:
        sentence: The evidence for a person: fact, numbers, gate, and what to do if it is open.
        samples: All samples, invalid ones included.
        median: Of the valid samples, None if there are none.
        lower: The median is at least this, 95 % sure; None below 5 valid samples.
        upper: The median is at most this, 95 % sure; None below 5 valid samples.
        coefficient_of_variation: Of the valid samples, None below two.
        interval: What the bounds are; None where there are none.
        count: Of a share: how many of the units counted, see ``VerdictRow``.
        count_of: How many units there were.
        counted: What they are.
        gate: What it was judged by, None if no row applies.
        proposal: The gate to add where none applies, None if there is one or too few samples.
    """

    status: Status
    metric: str
    context: Context
    sentence: str
    samples: tuple[Sample, ...]
    median: float | None = None
    lower: float | None = None
    upper: float | None = None
    coefficient_of_variation: float | None = None
    interval: Interval | None = None
    count: float | None = None
    count_of: int | None = None
    counted: str | None = None
    gate: Gate | None = None
    proposal: Gate | None = None

    @property
    def bound(self) -> str:
        """The gate's bound as text, empty if nothing is judged."""
        return bound(self.gate.min, self.gate.max) if self.gate else ""


def judge(
    samples: Sequence[Sample],
    gate: Gate | None,
    metric: str,
    context: Context,
    *,
    provenance: Provenance,
) -> Verdict:
    """Judge a metric that scatters from run to run, on distribution-free bounds of its median.

    PASS if the median is inside the gate and FAIL if it is outside, each 95 % sure and with the
    ``gate_distance`` that dependent runs ask for; else INCONCLUSIVE, to be judged again with
    ``next_sample_count`` runs. Without a gate NO GATE; with more than 30 % invalid samples, or none
    at all, BLOCKED.

    Args:
        samples: One per run of this metric, in order of time.
        gate: From ``find_gate``.
        metric: Name of the metric.
        context: Where the samples come from.
        provenance: Goes into the row proposed where there is no gate.

    Raises:
        UserError: If there is no such metric.
    """
    valid = [sample.value for sample in samples if sample.invalid_reason is None]
    bounds = median_bounds(valid, CONFIDENCE)
    lower, upper = (bounds.lower, bounds.upper) if bounds else (None, None)
    status = _blocked(samples) or _three_states(lower, upper, gate)
    clear = (
        gate_distance(valid, gate.bounds) if status in (Status.PASS, Status.FAIL) and gate else None
    )
    if clear is not None and not clear.suffices:
        status = Status.INCONCLUSIVE
    scatter = coefficient_of_variation(valid)
    is_speed = get_metric(metric).kind == "performance"
    noise = unrest(scatter, provenance) if is_speed and bounds is not None else None
    proposal = None
    if gate is None and noise is None:
        proposal = _proposed(metric, context, lower, upper, provenance)
    measured = Verdict(
        status=status,
        metric=get_metric(metric).name,
        context=context,
        sentence="",
        samples=tuple(samples),
        median=statistics.median(valid) if valid else None,
        lower=lower,
        upper=upper,
        coefficient_of_variation=scatter,
        interval=None if bounds is None else "median",
        gate=gate,
        proposal=proposal if status is Status.NO_GATE else None,
    )
    needed = _NEEDED if noise is None else f"runs on a quiet machine ({noise})"
    return measured.model_copy(update={"sentence": _noisy_sentence(measured, valid, clear, needed)})


def judge_exact(
    value: float, gate: Gate | None, metric: str, context: Context, *, provenance: Provenance
) -> Verdict:
    """Judge a metric that repeats exactly and was counted whole, such as a file's size.

    Args:
        value: In the metric's unit; one value is all there is to know.
        gate: From ``find_gate``.
        metric: Name of the metric.
        context: Where the value comes from.
        provenance: Goes into the row proposed where there is no gate.

    Raises:
        UserError: If there is no such metric.
    """
    measured = judge_bounds(value, value, value, gate, metric, context, provenance)
    sentence = f"{describe_subject(measured)} is {number(value, digits=10)}"
    sentence += describe_outcome(measured, advice="")
    return measured.model_copy(update={"sentence": sentence, "interval": "exact"})


def judge_bounds(
    value: float,
    lower: float | None,
    upper: float | None,
    gate: Gate | None,
    metric: str,
    context: Context,
    provenance: Provenance,
) -> Verdict:
    """The verdict on a value that repeats exactly, by what it may be at least and at most.

    Its sentence is still to be written.
    """
    return Verdict(
        status=_three_states(lower, upper, gate),
        metric=get_metric(metric).name,
        context=context,
        sentence="",
        samples=(Sample(value),),
        median=value,
        lower=lower,
        upper=upper,
        gate=gate,
        proposal=_proposed(metric, context, lower, upper, provenance) if gate is None else None,
    )


def _blocked(samples: Sequence[Sample]) -> Status | None:
    invalid = sum(sample.invalid_reason is not None for sample in samples)
    return Status.BLOCKED if too_many_invalid(invalid, len(samples)) else None


def _three_states(lower: float | None, upper: float | None, gate: Gate | None) -> Status:
    """PASS where both bounds are inside of the gate, FAIL where both are outside of one side."""
    if gate is None or gate.report_only:
        return Status.NO_GATE
    if lower is None or upper is None:
        return Status.INCONCLUSIVE
    minimum = float("-inf") if gate.min is None else gate.min
    maximum = float("inf") if gate.max is None else gate.max
    if upper < minimum or lower > maximum:
        return Status.FAIL
    return Status.PASS if lower >= minimum and upper <= maximum else Status.INCONCLUSIVE


def _proposed(
    metric: str, context: Context, lower: float | None, upper: float | None, provenance: Provenance
) -> Gate | None:
    """The gate that bounds would have; None without bounds, and for a speed that means nothing."""
    if lower is None or upper is None or _is_meaningless(metric, context):
        return None
    if math.isinf(lower) or math.isinf(upper):
        return None
    return propose_gate(metric, context, lower, upper, provenance)


def _is_meaningless(metric: str, context: Context) -> bool:
    return context.target in speedless_targets() and get_metric(metric).kind == "performance"


def describe_subject(verdict: Verdict) -> str:
    """``decode_tps of tiny_smolvlm fp32 kv on host``."""
    return f"{verdict.metric} of {verdict.context.describe()}"


def _noisy_sentence(
    verdict: Verdict, valid: Sequence[float], clear: GateDistance | None, needed: str
) -> str:
    if verdict.status is Status.BLOCKED:
        return f"{describe_subject(verdict)}: {describe_invalid(verdict.samples)}"
    evidence = f"{_certainty(verdict)}{plural(len(valid), 'run')}"
    doubt = f", {clear.doubt}" if clear is not None and not clear.suffices else ""
    more = next_sample_count(len(verdict.samples))
    advice = f"{doubt}, measure {more} runs in all" if more else f" after the last look{doubt}"
    median = number(statistics.median(valid))
    outcome = describe_outcome(verdict, advice, needed)
    return f"{describe_subject(verdict)} is {median} ({evidence}){outcome}"


def _certainty(verdict: Verdict) -> str:
    """The bounds that decide: the lower one for passing a minimum, both for an open verdict."""
    if verdict.lower is None or verdict.upper is None:
        return ""
    gate, sure = verdict.gate, f"{CONFIDENCE:.0%} sure".replace("%", " %")
    above, below = f">= {number(verdict.lower)}", f"<= {number(verdict.upper)}"
    if gate is not None and verdict.status in (Status.PASS, Status.FAIL):
        passed = verdict.status is Status.PASS
        if gate.max is None:
            return f"{sure} {above if passed else below}, "
        if gate.min is None:
            return f"{sure} {below if passed else above}, "
    return f"{sure} {above}, {sure} {below}, "


def describe_outcome(verdict: Verdict, advice: str, needed: str = _NEEDED) -> str:
    """How a verdict ended and by what gate, or the gate to add, as the end of a sentence.

    Args:
        verdict: All of it but its sentence.
        advice: What to do about an open verdict.
        needed: What a gate could be proposed from, where there was none of it.
    """
    gate = verdict.gate
    if gate is None:
        return _missing_gate(verdict, needed)
    if gate.report_only:
        return f", report only: {gate.reason}"
    label = verdict.status.value
    if verdict.status is Status.INCONCLUSIVE:
        label += advice
    confidence = f" ({gate.confidence})" if gate.confidence == "provisional" else ""
    return f", gate {verdict.bound}{confidence}: {label}"


def _missing_gate(verdict: Verdict, needed: str) -> str:
    if verdict.proposal is not None:
        row = render_gate(verdict.proposal)
        return f" and has no gate; add to thresholds/{verdict.context.model}.toml:\n\n{row}"
    if _is_meaningless(verdict.metric, verdict.context):
        return f", report only: {speedless_targets()[verdict.context.target].why_no_speed}"
    return f" and has no gate; {needed} are needed to propose one"
