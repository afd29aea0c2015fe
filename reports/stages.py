"""Where a run's time goes: load, encode, prefill, decode."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.results.rows.schema import SampleRow
from harness.results.stand_in import stand_in

_NEEDED = ("load_ms", "ttft_ms", "decode_tps")


@dataclass(frozen=True)
class StageSpan:
    """One part of a run.

    Attributes:
        run: Model, mode, precision and device of the run, and its artifact where there are several.
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
    """Stages of one run per configuration, device and artifact: the one whose total is the median.

    Prefill is what lies between the end of encoding and the first token, token embedding included.
    """
    runs: dict[tuple[_Measured, int], dict[str, SampleRow]] = defaultdict(dict)
    last = _last_sessions(samples)
    for sample in samples:
        measured = _Measured.of(sample)
        is_whole = sample.component is None and sample.side is None
        if sample.valid and is_whole and sample.cold_session == last[measured]:
            runs[measured, sample.run_index][sample.metric] = sample
    complete = {run: metrics for run, metrics in runs.items() if _is_complete(metrics)}
    artifacts = Counter(place for place, _ in {measured for measured, _ in complete})
    timed: dict[str, list[tuple[StageSpan, ...]]] = defaultdict(list)
    for (measured, _), metrics in complete.items():
        name = measured.name(is_only=artifacts[measured.place] == 1)
        timed[name].append(_stages(name, metrics))
    return tuple(stage for _, runs in sorted(timed.items()) for stage in _median_run(runs))


class _Measured(NamedTuple):
    """What runs have in common of which one is shown.

    Attributes:
        place: Model, mode, precision, device and how it was measured, in words.
        artifact_key: Of the artifact that ran.
    """

    place: str
    artifact_key: str | None

    @classmethod
    def of(cls, row: SampleRow) -> _Measured:
        computer = stand_in(row.metric, row.target, row.virtual)
        protocol = "upstream protocol" if row.protocol == "upstream" else None
        words = (row.model, row.mode, row.precision, row.soc or row.target, row.device)
        told = (word for word in (*words, computer, protocol, row.workload) if word)
        return cls(" · ".join(told), row.artifact_key)

    def name(self, *, is_only: bool) -> str:
        """Where it ran, and the artifact unless it is the only one there."""
        return self.place if is_only else f"{self.place} · {(self.artifact_key or '')[:8]}"


def _is_complete(metrics: Mapping[str, SampleRow]) -> bool:
    """Whether all times of a run are known; a speed of 0 tells none."""
    return all(name in metrics for name in _NEEDED) and metrics["decode_tps"].value > 0


def _last_sessions(samples: Sequence[SampleRow]) -> Mapping[_Measured, int]:
    last: dict[_Measured, int] = defaultdict(int)
    for sample in samples:
        measured = _Measured.of(sample)
        last[measured] = max(last[measured], sample.cold_session)
    return last


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
