"""Performance runs in fresh processes, and how often an artifact is measured before it is red."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic

from harness.devices.phone.health.gate import DeviceBlocked
from harness.heartbeat import Tell, tell_nobody
from harness.judging.failures import NothingToJudge
from harness.judging.htp_cost import DecodeLimit
from harness.judging.judge import Conclusion, Judge, Judged, status_of
from harness.judging.measured import Measured
from harness.judging.record import Record, Side
from harness.judging.workload import MeasuredRun, Workload
from harness.measure.cold_rerun import needs_rerun, settle
from harness.measure.metrics import COMPARED_SPEEDS, perf_metrics
from harness.measure.sample import RunOutcome, Sample, invalid_reason
from harness.measure.statistics import next_sample_count
from harness.measure.verdict import Status
from harness.measure.wording import number
from harness.results.rows.schema import DeviceStateRow, VerdictRow


@dataclass(kw_only=True)
class Bench(ABC, Generic[Judged]):
    """Runs of one workload; all metrics share them.

    Attributes:
        measured: The artifact that is judged.
        cooldown_s: Pause before what is red is measured again.
        tell: Shows whoever waits what is being done.
        runs: In order, by cold session: the first measurement, and the one after a red one.
    """

    measured: Measured
    workload: Workload
    cooldown_s: float
    sleep: Callable[[float], None] = time.sleep
    tell: Tell = tell_nobody
    runs: list[list[MeasuredRun]] = field(default_factory=list)

    def conclude(self, metric: str, judge: Judge) -> Conclusion:
        """Measure as often as the metric needs, and say how it ends.

        What is red is measured once more from cold, and counts only if it repeats; the cold
        session is shared by all metrics, as the first one is.
        """
        found = self._measure(metric, judge, 0)
        if needs_rerun(status_of(found), metric) and not judge.put_aside_by(metric, self.measured):
            judge.record.recorder.append(found)
            if len(self.runs) == 1:
                self.tell(f"{self.cooldown_s:.0f} s of pause before {metric} is measured again")
                self.sleep(self.cooldown_s)
            found = self._settled(found, self._measure(metric, judge, 1))
        return judge.settle([found], self.measured)

    @abstractmethod
    def _measure(self, metric: str, judge: Judge, cold_session: int) -> Judged:
        """Make the runs that a metric still lacks, and judge it by those of one session."""

    @abstractmethod
    def _settled(self, first: Judged, rerun: Judged) -> Judged:
        """What counts after a red metric was measured again, with both figures in its sentence."""

    def _session(self, cold_session: int) -> list[MeasuredRun]:
        while len(self.runs) <= cold_session:
            self.runs.append([])
        return self.runs[cold_session]

    def _run(
        self, measured: Measured, record: Record, cold_session: int, side: Side | None = None
    ) -> None:
        """Run once, and write down at once what it tells of every metric and of the device."""
        session = self._session(cold_session)
        run = self.workload.run(measured.artifact, side)
        session.append(run)
        index, around = len(session) - 1, run.surroundings
        if around.before is not None or around.after is not None:
            record.recorder.append(
                DeviceStateRow(
                    **record.subject(measured).model_dump(),
                    run_index=index,
                    cold_session=cold_session,
                    before=around.before,
                    after=around.after,
                )
            )
        for metric, value in perf_metrics(run.turn.stats).items():
            record.samples(
                metric,
                [Sample(value, self._invalid_reason(run))],
                measured,
                first_run=index,
                generated_tokens=run.turn.stats.generated_tokens,
                cold_session=cold_session,
                side=side,
            )

    def _sample(self, metric: str, run: MeasuredRun) -> Sample | None:
        """What a run tells of a metric; None where it tells nothing."""
        value = perf_metrics(run.turn.stats).get(metric)
        return None if value is None else Sample(value, self._invalid_reason(run))

    def _invalid_reason(self, run: MeasuredRun) -> str | None:
        """Why a run does not count (statistics §2.3); all of one artifact must answer alike."""
        first = next(one for one in self.runs[0] if one.side == run.side)
        outcome = RunOutcome(
            run.turn.stats.generated_tokens,
            run.turn.token_ids,
            run.surroundings.disturbance,
            run.degeneracy,
        )
        return invalid_reason(outcome, self.workload.options.max_new_tokens, first.turn.token_ids)


@dataclass(kw_only=True)
class GatedBench(Bench[VerdictRow]):
    """Runs of one artifact, extended until the verdict of its gate is clear.

    Attributes:
        count: Fixed number of runs; None for 5, then 10, then 20 while the verdict is open.
        limit: What a phone's memory allows, None where it says nothing; written down with the
            first run.
    """

    count: int | None = None
    limit: DecodeLimit | None = None

    def _measure(self, metric: str, judge: Judge, cold_session: int) -> VerdictRow:
        if not self.runs and self.limit is not None:
            context = replace(self.measured.context, component="text_decoder")
            found = [Sample(self.limit.milliseconds)]
            judge.record.samples(self.limit.metric, found, replace(self.measured, context=context))
        try:
            return self._measure_until_clear(metric, judge, cold_session)
        except DeviceBlocked as blocked:
            return judge.blocked(metric, self.measured, str(blocked), cold_session)

    def _measure_until_clear(self, metric: str, judge: Judge, cold_session: int) -> VerdictRow:
        verdict = self._extended(self.count or 5, metric, judge, cold_session)
        while verdict.status is Status.INCONCLUSIVE and self.count is None:
            more = next_sample_count(len(self.runs[cold_session]))
            if more is None:
                break
            verdict = self._extended(more, metric, judge, cold_session)
        return verdict

    def _extended(self, count: int, metric: str, judge: Judge, cold_session: int) -> VerdictRow:
        """The verdict on all runs, of which there are at least so many."""
        session = self._session(cold_session)
        while len(session) < count:
            about = self.measured.context.describe()
            self.tell(f"run {len(session) + 1}/{count} of {about}")
            self._run(self.measured, judge.record, cold_session)
        told = [self._sample(metric, run) for run in session]
        samples = [sample for sample in told if sample is not None]
        if not samples and metric not in COMPARED_SPEEDS:
            raise NothingToJudge(f"the runner does not tell {metric}")
        return judge.noisy(metric, samples, self.measured, cold_session)

    def _settled(self, first: VerdictRow, rerun: VerdictRow) -> VerdictRow:
        status = settle(first.status, rerun.status)
        before = "no median" if first.median is None else f"a median of {number(first.median)}"
        told = f"measured again from cold after {before} failed: {status.value}"
        update = {"status": status, "sentence": f"{rerun.sentence}; {told}", "proposed_gate": None}
        return rerun.model_copy(update=update)
