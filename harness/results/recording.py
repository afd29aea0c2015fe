"""Rows from what ``harness.measure`` computed."""

from __future__ import annotations

from harness.measure.gate import Context
from harness.measure.metrics import get_metric
from harness.measure.proposal import render_gate
from harness.measure.verdict import Verdict
from harness.results.rows import Subject, VerdictRow


def subject_of(
    context: Context, test_id: str, device: str | None = None, artifact_key: str | None = None
) -> Subject:
    """What a row is about, for a measurement in ``context``; the component is not part of it.

    Args:
        context: Where the samples come from.
        test_id: pytest node id of the test that measured.
        device: Phone serial or host id.
        artifact_key: Key of the artifact that ran.
    """
    return Subject(
        test_id=test_id,
        model=context.model,
        target=context.target,
        soc=context.soc,
        device=device,
        mode=context.mode,
        precision=context.precision,
        protocol=context.protocol,
        artifact_key=artifact_key,
    )


def verdict_row(verdict: Verdict, subject: Subject) -> VerdictRow:
    """Flatten a verdict; its samples are rows of their own, written when they were measured."""
    gate = verdict.gate
    return VerdictRow(
        **subject.model_dump(),
        metric=verdict.metric,
        unit=get_metric(verdict.metric).unit,
        status=verdict.status,
        sentence=verdict.sentence,
        median=verdict.median,
        lower=verdict.lower,
        upper=verdict.upper,
        n_samples=sum(sample.invalid_reason is None for sample in verdict.samples),
        gate_min=gate.min if gate else None,
        gate_max=gate.max if gate else None,
        gate_source=gate.source if gate else None,
        gate_confidence=gate.confidence if gate else None,
        gate_since=gate.since if gate else None,
        proposed_gate=render_gate(verdict.proposal) if verdict.proposal else None,
        component=verdict.context.component,
    )
