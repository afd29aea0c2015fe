"""Rows from what ``harness.measure`` computed."""

from __future__ import annotations

from harness.measure.comparison import Comparison
from harness.measure.gate import Context
from harness.measure.metrics import get_metric
from harness.measure.proposal import render_gate
from harness.measure.verdict import Verdict
from harness.measure.wording import plural
from harness.results.rows.schema import ComparisonRow, Subject, VerdictRow


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


def verdict_row(verdict: Verdict, subject: Subject, cold_session: int = 0) -> VerdictRow:
    """Flatten a verdict; its samples are rows of their own, written when they were measured.

    Args:
        verdict: What was judged.
        subject: What it is about.
        cold_session: 1 where it was judged once more from cold.
    """
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
        cold_session=cold_session,
    )


def comparison_row(
    comparison: Comparison,
    metric: str,
    context: Context,
    subject: Subject,
    *,
    baseline_key: str,
    medians: tuple[float | None, float | None],
    cold_session: int = 0,
    reason: str | None = None,
) -> ComparisonRow:
    """Flatten a comparison, with its evidence in a sentence.

    Args:
        comparison: What was found.
        metric: Name of the metric.
        context: Where both artifacts were measured.
        subject: Of the candidate.
        baseline_key: Key of the artifact that it was compared with.
        medians: The baseline's and the candidate's, in the metric's unit.
        cold_session: 1 where it was made once more from cold.
        reason: Why it came to nothing, told instead of what was found.
    """
    keys = baseline_key, subject.artifact_key or "unknown"
    outcome = comparison.outcome.value
    what = f"{metric} of {context.describe()}: {outcome.upper()}"
    return ComparisonRow(
        **subject.model_dump(),
        baseline_key=baseline_key,
        metric=metric,
        unit=get_metric(metric).unit,
        outcome=outcome,
        ratio=comparison.ratio,
        lower=comparison.lower,
        upper=comparison.upper,
        p_value=comparison.p_value,
        n_pairs=comparison.pairs,
        baseline_median=medians[0],
        candidate_median=medians[1],
        sentence=f"{what}, {reason or _evidence(comparison, keys)}",
        component=context.component,
        cold_session=cold_session,
    )


def _evidence(comparison: Comparison, keys: tuple[str, str]) -> str:
    baseline, candidate = (key[:12] for key in keys)
    if comparison.ratio is None or comparison.lower is None or comparison.upper is None:
        return (
            f"{plural(comparison.invalid_pairs, 'pair')} of {candidate} and {baseline} do not "
            f"count and {comparison.pairs} do; look at the reasons of the samples"
        )
    percent = f"{comparison.ratio - 1:+.1%}".replace("%", " %")
    bounds = f"{comparison.lower:.4f} to {comparison.upper:.4f}"
    return (
        f"{candidate} is {percent} against {baseline}: ratio {comparison.ratio:.4f}, 95 % sure "
        f"{bounds}, {plural(comparison.pairs, 'pair')}"
    )
