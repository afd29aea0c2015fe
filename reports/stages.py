"""Where a run's time goes: load, encode, prefill, decode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.results.rows.schema import SampleRow
from harness.results.stand_in import stand_in

_NEEDED = ("load_ms", "ttft_ms", "decode_tps")


@dataclass(frozen=True)
class StageSpan:
    """One part of a run.

    Attributes:
        run: Model, mode, precision and device of the run.
        stage: ``load``, ``encode``, ``prefill`` or ``decode``.
        start_ms: Since the start of loading.
        end_ms: Since the start of loading.
    """

    run: str
    stage: str
    start_ms: float
    end_ms: float

    @property
    def took_ms(self) -> float:
        """How long it took."""
        return self.end_ms - self.start_ms


def find_stages(samples: Sequence[SampleRow]) -> tuple[StageSpan, ...]:
    """Stages of one run per configuration and device: the one whose total is the median.

    Prefill is what lies between the end of encoding and the first token, token embedding included.
    """
    runs: dict[tuple[str, int], dict[str, SampleRow]] = defaultdict(dict)
    last = _last_sessions(samples)
    for sample in samples:
        name = _name(sample)
        is_whole = sample.component is None and sample.side is None
        if sample.valid and is_whole and sample.cold_session == last[name]:
            runs[name, sample.run_index][sample.metric] = sample
    timed: dict[str, list[tuple[StageSpan, ...]]] = defaultdict(list)
    for (name, _), metrics in runs.items():
        if all(metric in metrics for metric in _NEEDED):
            timed[name].append(_stages(name, metrics))
    return tuple(stage for _, runs in sorted(timed.items()) for stage in _median_run(runs))


def _last_sessions(samples: Sequence[SampleRow]) -> Mapping[str, int]:
    last: dict[str, int] = defaultdict(int)
    for sample in samples:
        last[_name(sample)] = max(last[_name(sample)], sample.cold_session)
    return last


def _name(row: SampleRow) -> str:
    computer = stand_in(row.metric, row.target, row.virtual)
    words = (row.model, row.mode, row.precision, row.soc or row.target, row.device, computer)
    return " · ".join(word for word in words if word)


def _stages(name: str, metrics: Mapping[str, SampleRow]) -> tuple[StageSpan, ...]:
    encode_ms = metrics["encode_ms"].value if "encode_ms" in metrics else 0.0
    speed = metrics["decode_tps"]
    lengths = {
        "load": metrics["load_ms"].value,
        "encode": encode_ms,
        "prefill": max(metrics["ttft_ms"].value - encode_ms, 0.0),
        "decode": 1000 * (speed.generated_tokens or 0) / speed.value,
    }
    stages, start_ms = [], 0.0
    for stage, length_ms in lengths.items():
        stages.append(StageSpan(name, stage, start_ms, start_ms + length_ms))
        start_ms += length_ms
    return tuple(stages)


def _median_run(runs: Sequence[tuple[StageSpan, ...]]) -> tuple[StageSpan, ...]:
    return sorted(runs, key=lambda stages: stages[-1].end_ms)[len(runs) // 2]
