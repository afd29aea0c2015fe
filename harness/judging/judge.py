"""Judging what one test measured: find the gate, write everything down, say how the test ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.judging.conclusion import Conclusion, Judged, status_of, with_notes, worst
from harness.judging.measured import Measured
from harness.judging.record import Record
from harness.measure import verdict as verdicts
from harness.measure.accuracy_delta import ScoredPair
from harness.measure.drop_verdict import drop_of, judge_drop
from harness.measure.gate import Gate, find_gate
from harness.measure.proposal import Provenance
from harness.measure.quarantine import Quarantine, QuarantineState, find_quarantine
from harness.measure.sample import Sample
from harness.measure.verdict import Status, Verdict
from harness.measure.wording import number, plural
from harness.results.recording import verdict_row
from harness.results.rows.schema import VerdictRow

Evidence = float | Sequence[ScoredPair]
"""A value that repeats exactly, or what was lost against a reference, question by question."""


@dataclass(frozen=True)
class Rules:
    """What a thresholds folder says.

    Attributes:
        dram_rates: Of the memory of SoCs, in 1e9 bytes per second by the SoC's name.
    """

    gates: Sequence[Gate] = ()
    quarantine: Sequence[Quarantine] = ()
    dram_rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judge:
    """Judges what one test measured."""

    record: Record
    rules: Rules

    def conclude(
        self, measured: Measured, *, notes: Sequence[str] = (), **evidence: Evidence
    ) -> Conclusion:
        """Judge metrics by their gates.

        Args:
            measured: What was measured.
            notes: Findings behind the verdicts, most telling first.
            evidence: By metric.

        Raises:
            UserError: If there is no such metric.
        """
        rows = [self._judged(metric, found, measured) for metric, found in evidence.items()]
        return self.settle(rows, measured, notes)

    def noisy(
        self, metric: str, samples: Sequence[Sample], measured: Measured, cold_session: int = 0
    ) -> VerdictRow:
        """Judge samples that scatter, which are written down already."""
        is_virtual = self.record.device.is_virtual
        gate = None if is_virtual else self._gate(metric, measured)
        verdict = verdicts.judge(
            samples, gate, metric, measured.context, provenance=self._provenance
        )
        verdict = _for_validity(verdict) if is_virtual else verdict
        return verdict_row(verdict, self.record.subject(measured), cold_session)

    def blocked(
        self, metric: str, measured: Measured, reason: str, cold_session: int = 0
    ) -> VerdictRow:
        """What is to be said of a metric whose device did not become fit to be measured on.

        A verdict like any other, so that it also replaces a red one that was to be repeated.
        """
        verdict = Verdict(
            status=Status.BLOCKED,
            metric=metric,
            context=measured.context,
            sentence=f"{metric} of {measured.context.describe()}: {reason}",
            samples=(),
            gate=None if self.record.device.is_virtual else self._gate(metric, measured),
        )
        return verdict_row(verdict, self.record.subject(measured), cold_session)

    def put_aside_by(self, metric: str, measured: Measured) -> Quarantine | None:
        """The quarantine that holds today for what is judged, however that ends, if any."""
        today = self.record.recorder.today
        row = find_quarantine(self.rules.quarantine, metric, measured.context, today)
        return row if row is not None and row.state(today) is QuarantineState.ACTIVE else None

    def settle(
        self, rows: Sequence[Judged], measured: Measured, notes: Sequence[str] = ()
    ) -> Conclusion:
        """Write down what was judged, and let the worst of it decide.

        One in quarantine decides only where no other has anything to say against the artifact.

        Args:
            rows: At least one.
            measured: What all of them are about.
            notes: Findings behind them, most telling first.
        """
        told = [with_notes(row, notes) for row in rows]
        put_aside = [self._covering(row, measured) for row in told]
        for row, quarantine in zip(told, put_aside, strict=True):
            update = {"quarantined": quarantine is not None}
            self.record.recorder.append(row.model_copy(update=update))
        counted = [row for row, quarantine in zip(told, put_aside, strict=True) if not quarantine]
        is_clean = all(status_of(row) is Status.PASS for row in counted)
        decisive = worst(told if is_clean else counted)
        covering = self._covering(decisive, measured)
        return Conclusion(status_of(decisive), decisive.sentence, tuple(notes), covering)

    def _judged(self, metric: str, found: Evidence, measured: Measured) -> VerdictRow:
        value = drop_of(found) if isinstance(found, Sequence) else found
        self.record.samples(metric, [Sample(value)], measured)
        gate, context, provenance = self._gate(metric, measured), measured.context, self._provenance
        verdict = (
            judge_drop(found, gate, metric, context, provenance=provenance)
            if isinstance(found, Sequence)
            else verdicts.judge_exact(found, gate, metric, context, provenance=provenance)
        )
        return verdict_row(verdict, self.record.subject(measured))

    def _gate(self, metric: str, measured: Measured) -> Gate | None:
        """A virtual phone computes what the artifact's own target does, and is judged as that."""
        context, manifest = measured.context, measured.artifact.manifest
        if self.record.device.is_virtual:
            context = replace(context, target=manifest.target, soc=manifest.soc)
        return find_gate(self.rules.gates, metric, context)

    def _covering(self, row: Judged, measured: Measured) -> Quarantine | None:
        """The quarantine that covers what is red, or cannot make up its mind."""
        is_covered = status_of(row) in (Status.FAIL, Status.INCONCLUSIVE)
        return self.put_aside_by(row.metric, measured) if is_covered else None

    @property
    def _provenance(self) -> Provenance:
        return Provenance(self.record.recorder.run_id, self.record.recorder.today)


def _for_validity(verdict: Verdict) -> Verdict:
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
