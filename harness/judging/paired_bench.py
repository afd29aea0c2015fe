"""Two artifacts measured in turn on one device: A B B A A B B A, and so on."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from harness.devices.phone.health.gate import DeviceBlocked
from harness.judging.bench import Bench
from harness.judging.judge import Judge, status_of
from harness.judging.legs import Legs
from harness.judging.record import comparison_row
from harness.judging.workload import MeasuredRun
from harness.measure.cold_rerun import settle
from harness.measure.comparison import Pair, abba_order, compare_pairs, cut_short
from harness.measure.metrics import get_metric
from harness.measure.sample import Sample
from harness.results.rows.schema import ComparisonRow


@dataclass(kw_only=True)
class PairedBench(Bench[ComparisonRow]):
    """Runs of two artifacts in one mode; the candidate is judged.

    Attributes:
        legs: What is held against what; the candidate, ``B``, is judged.
        pairs: Pairs of runs.
    """

    legs: Legs
    pairs: int

    def _measure(self, metric: str, judge: Judge, cold_session: int) -> ComparisonRow:
        session = self._session(cold_session)
        sides = {"A": replace(self.measured, artifact=self.legs.baseline), "B": self.measured}
        reason = None
        try:
            for side in abba_order(self.pairs)[len(session) :]:
                about = self.measured.context.describe()
                self.tell(f"pair {len(session) // 2 + 1}/{self.pairs}, {side}, of {about}")
                self._run(sides[side], judge.record, cold_session, side)
        except DeviceBlocked as blocked:
            reason = str(blocked)
        pairs = self._paired(metric, session)
        comparison = compare_pairs(pairs, get_metric(metric).better)
        return comparison_row(
            comparison if reason is None else cut_short(comparison),
            metric,
            self.measured.context,
            judge.record.subject(self.measured),
            legs=self.legs,
            medians=(_median([pair.a for pair in pairs]), _median([pair.b for pair in pairs])),
            cold_session=cold_session,
            reason=reason,
        )

    def _settled(self, first: ComparisonRow, rerun: ComparisonRow) -> ComparisonRow:
        status = settle(status_of(first), status_of(rerun))
        outcome = rerun.outcome if status_of(rerun) is status else "inconclusive"
        ratio = "no ratio" if first.ratio is None else f"a ratio of {first.ratio:.4f}"
        told = f"compared again from cold after {ratio} was slower: {outcome}"
        sentence = f"{rerun.sentence}; {told}"
        return rerun.model_copy(update={"outcome": outcome, "sentence": sentence})

    def _paired(self, metric: str, session: list[MeasuredRun]) -> list[Pair]:
        """Whole pairs; a device that is no longer fit may leave half of one."""
        neighbours = zip(session[::2], session[1::2], strict=False)
        by_side = [{one.side: self._ratio_sample(metric, one) for one in two} for two in neighbours]
        return [Pair(pair["A"], pair["B"]) for pair in by_side]

    def _ratio_sample(self, metric: str, run: MeasuredRun) -> Sample:
        """What a run tells of a metric; only values above 0 have a ratio."""
        sample = self._sample(metric, run)
        if sample is None or sample.value <= 0:
            return Sample(0.0, f"the run reported no {metric} above 0")
        return sample


def _median(samples: list[Sample]) -> float | None:
    valid = [sample.value for sample in samples if sample.invalid_reason is None]
    return statistics.median(valid) if valid else None
