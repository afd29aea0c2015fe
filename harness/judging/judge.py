"""Judging what one test measured: find the gate, write everything down, say how the test ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import psutil

from harness.judging.measured import Measured
from harness.judging.record import Record, verdict_row
from harness.measure import verdict as verdicts
from harness.measure.comparison import Outcome
from harness.measure.estimate import Estimate
from harness.measure.estimate_verdict import judge_estimate
from harness.measure.gate import Gate, find_gate
from harness.measure.proposal import Provenance
from harness.measure.quarantine import Quarantine, QuarantineState, find_quarantine
from harness.measure.sample import Sample
from harness.measure.verdict import Status, Verdict
from harness.measure.wording import number, plural
from harness.results.rows.schema import ComparisonRow, VerdictRow
from harness.targets.registry import get_target

Evidence = float | Estimate
"""A value that repeats exactly and was counted whole, or one that other scenes might change."""


Judged = TypeVar("Judged", VerdictRow, ComparisonRow)
"""What was judged of one metric, by a gate or against another artifact."""

_STATUS = {
    Outcome.SAME: Status.PASS,
    Outcome.FASTER: Status.PASS,
    Outcome.SLOWER: Status.FAIL,
    Outcome.INCONCLUSIVE: Status.INCONCLUSIVE,
    Outcome.BLOCKED: Status.BLOCKED,
}

_SEVERITY = (Status.FAIL, Status.BLOCKED, Status.INCONCLUSIVE, Status.NO_GATE, Status.PASS)

_NOTES_IN_SENTENCE = 3


@dataclass(frozen=True)
class Conclusion:
    """The end of a test.

    Attributes:
        status: Of the worst verdict that counts.
        sentence: Its evidence.
        notes: Single findings behind it, most telling first: a wrong answer, for instance.
        quarantine: The row by which it turns nothing red; None where it counts.
    """

    status: Status
    sentence: str
    notes: tuple[str, ...] = ()
    quarantine: Quarantine | None = None


@dataclass(frozen=True)
class SceneFindings:
    """What was found on some scenes.

    Attributes:
        measured: What the findings are about.
        evidence: By metric.
        notes: Single findings behind them, most telling first.
    """

    measured: Measured
    evidence: Mapping[str, Evidence]
    notes: Sequence[str] = ()


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
            notes: Single findings behind the verdicts, most telling first. All are listed below a
                failed test and in its properties, the first of them in its verdict.
            evidence: By metric.

        Raises:
            UserError: If there is no such metric.
        """
        return self._write_down(SceneFindings(measured, evidence, notes))

    def conclude_while_open(
        self, looks: Sequence[int], find: Callable[[int], SceneFindings]
    ) -> Conclusion:
        """Judge metrics on growing numbers of scenes until all their verdicts are clear.

        Args:
            looks: How many scenes each time, in growing order; at least one.
            find: What is found on so many scenes.

        Raises:
            UserError: If there is no such metric.
        """
        for scenes in looks:
            found = find(scenes)
            verdicts = [self._verdict(*one, found.measured) for one in found.evidence.items()]
            if all(verdict.status is not Status.INCONCLUSIVE for verdict in verdicts):
                break
        return self._write_down(found)

    def _write_down(self, found: SceneFindings) -> Conclusion:
        rows = [self._judged(*one, found.measured) for one in found.evidence.items()]
        return self.settle(rows, found.measured, found.notes)

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
        told = [_with_notes(row, notes) for row in rows]
        put_aside = [self._covering(row, measured) for row in told]
        for row, quarantine in zip(told, put_aside, strict=True):
            update = {"quarantined": quarantine is not None}
            self.record.recorder.append(row.model_copy(update=update))
        counted = [row for row, quarantine in zip(told, put_aside, strict=True) if not quarantine]
        is_clean = all(status_of(row) is Status.PASS for row in counted)
        decisive = min(
            told if is_clean else counted, key=lambda row: _SEVERITY.index(status_of(row))
        )
        covering = self._covering(decisive, measured)
        return Conclusion(status_of(decisive), decisive.sentence, tuple(notes), covering)

    def _judged(self, metric: str, found: Evidence, measured: Measured) -> VerdictRow:
        value = found.value if isinstance(found, Estimate) else found
        self.record.samples(metric, [Sample(value)], measured)
        verdict = self._verdict(metric, found, measured)
        return verdict_row(verdict, self.record.subject(measured))

    def _verdict(self, metric: str, found: Evidence, measured: Measured) -> Verdict:
        gate, context, provenance = self._gate(metric, measured), measured.context, self._provenance
        if isinstance(found, Estimate):
            return judge_estimate(found, gate, metric, context, provenance=provenance)
        return verdicts.judge_exact(found, gate, metric, context, provenance=provenance)

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
        is_elsewhere = get_target(self.record.device.target).is_remote
        load = None if is_elsewhere else psutil.getloadavg()[0] / (psutil.cpu_count() or 1)
        return Provenance(self.record.recorder.run_id, self.record.recorder.today, load)


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


def status_of(row: VerdictRow | ComparisonRow) -> Status:
    """The status of a verdict, or the one that a comparison ends its test with."""
    return row.status if isinstance(row, VerdictRow) else _STATUS[Outcome(row.outcome)]


def _with_notes(row: Judged, notes: Sequence[str]) -> Judged:
    """A row whose sentence ends with the first findings behind it.

    A proposed gate ends its sentence and has to stay TOML that can be copied.
    """
    if not notes or (isinstance(row, VerdictRow) and row.proposed_gate is not None):
        return row
    shown = [*notes[:_NOTES_IN_SENTENCE]]
    more = len(notes) - len(shown)
    listed = "; ".join(shown + ([f"and {more} more"] if more else []))
    return row.model_copy(update={"sentence": f"{row.sentence}; {listed}"})
