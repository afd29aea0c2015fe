"""Durations of one turn on the monotonic clock. Imports without torch."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from harness.measure.run_stats import RunStats, StopReason
from harness.runner_log.observer_line import Observation

PromptStage = Literal["encode", "embed", "prefill"]

_NS_PER_MS = 1e6


@dataclass(frozen=True)
class LoadTimes:
    """Monotonic stamps around loading encoder, token embedding, decoder and tokenizer."""

    start_ns: int
    end_ns: int


def _wall_offset_ns() -> int:
    return time.time_ns() - time.perf_counter_ns()


@dataclass
class Stopwatch:
    """Stamps and sums of one turn; it starts when it is made, which is the start of inference.

    Attributes:
        load: Of the model, the same for all turns.
        stages_ns: Time per stage of prompt evaluation.
        sampling_ns: Sampling within decode steps.
        execute_ns: Time inside ExecuTorch within decode steps.
        decode_steps: Passes of the decode method.
        wall_offset_ns: Added to a monotonic stamp gives the time since the epoch.
    """

    load: LoadTimes
    stages_ns: dict[PromptStage, int] = field(
        default_factory=lambda: {"encode": 0, "embed": 0, "prefill": 0}
    )
    sampling_ns: int = 0
    execute_ns: int = 0
    decode_steps: int = 0
    start_ns: int = field(default_factory=time.perf_counter_ns)
    first_token_ns: int = 0
    end_ns: int = 0
    wall_offset_ns: int = field(default_factory=_wall_offset_ns)

    @contextmanager
    def stage(self, name: PromptStage) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = time.perf_counter_ns()
        yield
        self.stages_ns[name] += time.perf_counter_ns() - start

    def first_token(self) -> None:
        """Stamp the end of prompt evaluation, which is also the first token (contract §4.5)."""
        self.first_token_ns = time.perf_counter_ns()

    def stop(self) -> None:
        """Stamp the end of inference."""
        self.end_ns = time.perf_counter_ns()

    def epoch_ms(self, stamp_ns: int) -> int:
        """Milliseconds since the epoch of a monotonic stamp."""
        return (stamp_ns + self.wall_offset_ns) // 1_000_000

    def stats(self, prompt_tokens: int, generated_tokens: int, stop_reason: StopReason) -> RunStats:
        """Sum the turn up after :meth:`stop`."""
        ttft_ms = (self.first_token_ns - self.start_ns) / _NS_PER_MS
        return RunStats(
            prompt_tokens=prompt_tokens,
            generated_tokens=generated_tokens,
            load_ms=(self.load.end_ns - self.load.start_ns) / _NS_PER_MS,
            encode_ms=self.stages_ns["encode"] / _NS_PER_MS,
            embed_ms=self.stages_ns["embed"] / _NS_PER_MS,
            prefill_ms=self.stages_ns["prefill"] / _NS_PER_MS,
            prompt_eval_ms=ttft_ms,
            ttft_ms=ttft_ms,
            decode_ms=(self.end_ns - self.first_token_ns) / _NS_PER_MS,
            inference_ms=(self.end_ns - self.start_ns) / _NS_PER_MS,
            sampling_ms=self.sampling_ns / _NS_PER_MS,
            execute_ms=self.execute_ns / _NS_PER_MS,
            decode_steps=self.decode_steps,
            peak_rss_mib=peak_rss_mib(),
            stop_reason=stop_reason,
        )

    def observation(self, stats: RunStats, sampling_ms: float) -> Observation:
        """The turn as upstream tells it: in whole milliseconds (contract §5.6).

        Args:
            stats: Of the turn.
            sampling_ms: Sampling of this turn and those before it.
        """
        start_ms, prompt_end_ms, end_ms = map(
            self.epoch_ms, (self.start_ns, self.first_token_ns, self.end_ns)
        )
        return Observation(
            prefill_token_per_sec=_rate(stats.prompt_tokens, prompt_end_ms - start_ms),
            decode_token_per_sec=_rate(stats.generated_tokens, end_ms - prompt_end_ms),
            prompt_tokens=stats.prompt_tokens,
            generated_tokens=stats.generated_tokens,
            model_load_start_ms=self.epoch_ms(self.load.start_ns),
            model_load_end_ms=self.epoch_ms(self.load.end_ns),
            inference_start_ms=start_ms,
            inference_end_ms=end_ms,
            prompt_eval_end_ms=prompt_end_ms,
            first_token_ms=prompt_end_ms,
            aggregate_sampling_time_ms=round(sampling_ms),
            aggregate_model_execution_time_ms=round(stats.execute_ms or 0),
            SCALING_FACTOR_UNITS_PER_SECOND=1000,
        )


def _rate(tokens: int, duration_ms: float) -> float | None:
    """Tokens per second with the six digits of upstream's stream formatting."""
    return float(f"{tokens * 1000 / duration_ms:g}") if duration_ms else None


def peak_rss_mib() -> float:
    """Peak resident set of this process, as upstream reports it (``ru_maxrss``)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
