"""Judging what was found on some scenes by what it may be on others (statistics §2.9)."""

from __future__ import annotations

from harness.measure.estimate import CONFIDENCE, Estimate
from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.ratio import MIN_SCENES
from harness.measure.verdict import (
    Verdict,
    describe_outcome,
    describe_subject,
    judge_bounds,
)
from harness.measure.wording import number

_ADVICE = ", ask about more scenes with --scenes"
_NEEDED = f"{MIN_SCENES} scenes"


def judge_estimate(
    found: Estimate, gate: Gate | None, metric: str, context: Context, *, provenance: Provenance
) -> Verdict:
    """Judge a value by its bounds over other scenes that might have been asked about.

    PASS if both bounds are inside of the gate and FAIL if both are beyond it, else INCONCLUSIVE:
    that needs other scenes and never another run. A gate that asks for all units, or for none, is
    about those that were named; they were counted whole and are judged as they are.

    Args:
        found: What was found.
        gate: From ``find_gate``.
        metric: Name of the metric.
        context: Where the answers come from.
        provenance: Goes into the row proposed where there is no gate.

    Raises:
        UserError: If there is no such metric.
    """
    judged = judge_bounds(found.value, found.lower, found.upper, gate, metric, context, provenance)
    asks_for_all = found.interval == "share" and gate is not None and _asks_for_all(gate)
    if asks_for_all:
        by_value = judge_bounds(
            found.value, found.value, found.value, gate, metric, context, provenance
        )
        judged = judged.model_copy(update={"status": by_value.status})
    is_exact = found.interval == "exact" or asks_for_all
    value = number(found.value, digits=10 if is_exact else 4)
    evidence = f"{found.told}, {_bound_words(found)}"
    if asks_for_all:
        evidence += " on other scenes"
    outcome = describe_outcome(judged, _ADVICE, _NEEDED)
    return judged.model_copy(
        update={
            "sentence": f"{describe_subject(judged)} is {value} ({evidence}){outcome}",
            "interval": found.interval,
            "count": found.count,
            "count_of": found.count_of,
            "counted": found.counted,
        }
    )


def _asks_for_all(gate: Gate) -> bool:
    """Whether a gate on a share leaves room for no exception: no sample could ever confirm it."""
    return bool(gate.bounds) and (gate.min in (None, 1.0)) and (gate.max in (None, 0.0))


def _bound_words(found: Estimate) -> str:
    if found.interval == "exact":
        return "counted whole"
    if found.lower is None or found.upper is None:
        return f"{MIN_SCENES} scenes would bound it"
    sure = f"{CONFIDENCE:.1%} sure".replace("%", " %")
    return f"{sure} >= {number(found.lower)}, {sure} <= {number(found.upper)}"
