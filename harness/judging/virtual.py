"""How a virtual phone is judged: its accuracy as this machine's, its speed for validity alone."""

from __future__ import annotations

from dataclasses import replace

from harness.judging.measured import Measured
from harness.measure.gate import Context
from harness.measure.verdict import Status, Verdict
from harness.measure.wording import number, plural


def judged_as(measured: Measured) -> Context:
    """What gates are looked up by: a virtual phone computes what the artifact's own target does."""
    manifest = measured.artifact.manifest
    return replace(measured.context, target=manifest.target, soc=manifest.soc)


def for_validity(verdict: Verdict) -> Verdict:
    """The verdict on speed of a phone that does not exist.

    Args:
        verdict: As if it were to be judged without a gate.

    Returns:
        BLOCKED where too many runs do not count, else PASS, whatever the figures are.
    """
    if verdict.status is Status.BLOCKED or verdict.median is None:
        return verdict
    valid = sum(sample.invalid_reason is None for sample in verdict.samples)
    sentence = (
        f"{verdict.metric} of {verdict.context.describe()} is {number(verdict.median)} "
        f"({plural(valid, 'run')}) on a virtual phone: judged for validity alone"
    )
    return verdict.model_copy(
        update={"status": Status.PASS, "sentence": sentence, "gate": None, "proposal": None}
    )
