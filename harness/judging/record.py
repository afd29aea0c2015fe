"""What one test writes down of what it measures, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from PIL import Image

from harness.devices.device import Device
from harness.judging.legs import Legs
from harness.judging.measured import Measured
from harness.measure.comparison import Comparison
from harness.measure.gate import Context
from harness.measure.metrics import get_metric
from harness.measure.proposal import render_gate
from harness.measure.sample import Sample
from harness.measure.verdict import Verdict
from harness.measure.wording import plural
from harness.results.rows.schema import ComparisonRow, Row, SampleRow, Subject, VerdictRow
from harness.results.series import CONFIGURATION

Side = Literal["A", "B"]
"""Of a comparison: the baseline or the candidate."""


class Recorder(Protocol):
    """Keeps the rows of a run.

    Attributes:
        run_id: The run.
        today: The day by which quarantines end, in UTC; the same for the whole run.
    """

    run_id: str
    today: date

    def append(self, row: Row) -> None:
        """Write one row; it survives whatever happens next."""
        ...

    def store_thumbnail(self, picture: Image.Image) -> str | None:
        """Keep a picture beside the rows; the name that rows know it by, None without room."""
        ...


@dataclass(frozen=True)
class Record:
    """What one test writes into a run, measuring on one device.

    Attributes:
        test_id: pytest node id of the test.
    """

    recorder: Recorder
    test_id: str
    device: Device

    def subject(self, measured: Measured) -> Subject:
        """What rows of this test are about; the component is not part of it."""
        return Subject(
            test_id=self.test_id,
            device=self.device.serial,
            artifact_key=measured.artifact.manifest.key,
            **{name: getattr(measured.context, name) for name in CONFIGURATION},
        )

    def samples(
        self,
        metric: str,
        samples: Sequence[Sample],
        measured: Measured,
        *,
        first_run: int = 0,
        generated_tokens: int | None = None,
        cold_session: int = 0,
        side: Side | None = None,
    ) -> None:
        """Write samples down as soon as they are measured; ``SampleRow`` tells the arguments."""
        subject = self.subject(measured).model_dump()
        for index, sample in enumerate(samples, start=first_run):
            self.recorder.append(
                SampleRow(
                    **subject,
                    metric=metric,
                    value=sample.value,
                    unit=get_metric(metric).unit,
                    run_index=index,
                    valid=sample.invalid_reason is None,
                    invalid_reason=sample.invalid_reason,
                    generated_tokens=generated_tokens,
                    component=measured.context.component,
                    cold_session=cold_session,
                    side=side,
                    virtual=self.device.is_virtual,
                    method=self.device.method if generated_tokens is not None else None,
                )
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
        interval=verdict.interval,
        count=verdict.count,
        count_of=verdict.count_of,
        counted=verdict.counted,
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
    legs: Legs,
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
        legs: Baseline and candidate.
        medians: The baseline's and the candidate's, in the metric's unit.
        cold_session: 1 where it was made once more from cold.
        reason: Why it came to nothing, told instead of what was found.
    """
    baseline, candidate = legs.names
    outcome = comparison.outcome.value
    what = f"{metric} of {context.describe()}: {outcome.upper()}"
    return ComparisonRow(
        **subject.model_dump(),
        baseline_key=legs.baseline.manifest.key,
        baseline_name=baseline,
        candidate_name=candidate,
        differ_in=", ".join(legs.differences),
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
        sentence=f"{what}, {reason or _evidence(comparison, legs)}; {legs.told}",
        component=context.component,
        cold_session=cold_session,
    )


def _evidence(comparison: Comparison, legs: Legs) -> str:
    baseline, candidate = legs.names
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
