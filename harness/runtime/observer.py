"""What a run shows while it works, in upstream's words (contract §5.5, §5.6).

Imports without torch.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from harness.measure.run_stats import RunStats
from harness.runtime.generation import Turn
from harness.runtime.stopwatch import Stopwatch

Phase = Literal["prefill", "decode"]
LogitsSink = Callable[[Phase, NDArray[Any]], None]

_MAX_MESSAGE_BYTES = 255


class Observer(Protocol):
    """Listens to a run."""

    def log(self, message: str) -> None:
        """One line of upstream's log."""

    def text(self, piece: str) -> None:
        """A piece of the answer, whole characters only, as soon as it is known."""

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Logits ``[tokens, vocab_size]`` of a pass; copy what must outlive the call."""

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """A turn is complete."""


class SilentObserver:
    """Shows nothing."""

    def log(self, message: str) -> None:
        """Drop it."""

    def text(self, piece: str) -> None:
        """Drop it."""

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Drop them."""

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """Drop it."""


class ConsoleObserver:
    """Log to stderr, ``PyTorchObserver`` to stdout, as upstream's runner does.

    Args:
        stream: Also write the answer to stdout while it is generated.
        logits_sink: Gets all logits.
    """

    def __init__(self, stream: bool = False, logits_sink: LogitsSink | None = None) -> None:
        self._stream = stream
        self._logits_sink = logits_sink
        self._start_ns = time.perf_counter_ns()

    def log(self, message: str) -> None:
        """Write ``I HH:MM:SS.uuuuuu executorch:<file>:<line>] <message>``, time since start."""
        caller = sys._getframe(1)
        elapsed_us = (time.perf_counter_ns() - self._start_ns) // 1000
        source = f"{os.path.basename(caller.f_code.co_filename)}:{caller.f_lineno}"
        print(log_line(elapsed_us, source, message), file=sys.stderr)

    def text(self, piece: str) -> None:
        """Write the piece if streaming."""
        if self._stream:
            print(piece, end="", flush=True)

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Pass the logits on."""
        if self._logits_sink is not None:
            self._logits_sink(phase, rows)

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """Close the answer and print the statistics."""
        print()
        print(f"PyTorchObserver {observer_json(turn.stats, stopwatch)}", flush=True)
        for line in statistics_lines(turn.stats):
            self.log(line)


def log_line(elapsed_us: int, source: str, message: str) -> str:
    """Format one log line of level Info; the message is cut at 255 bytes, as upstream cuts it."""
    seconds, microseconds = divmod(elapsed_us, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    cut = message.encode(errors="replace")[:_MAX_MESSAGE_BYTES].decode(errors="ignore")
    stamp = f"{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}"
    return f"I {stamp} executorch:{source}] {cut}"


def statistics_lines(stats: RunStats) -> list[str]:
    """The statistics block of upstream's log (contract §5.5)."""
    prompt, generated = stats.prompt_tokens, stats.generated_tokens

    def timed(title: str, milliseconds: float, tokens: int) -> str:
        rate = tokens * 1000 / milliseconds if milliseconds else 0.0
        return f"{title}{milliseconds / 1000:f} (seconds)\t\t Rate: \t{rate:f} (tokens/second)"

    return [
        f"\tPrompt Tokens: {prompt}    Generated Tokens: {generated}",
        f"\tModel Load Time:\t\t{stats.load_ms / 1000:f} (seconds)",
        timed("\tTotal inference time:\t\t", stats.inference_ms, generated),
        timed("\t\tPrompt evaluation:\t", stats.prompt_eval_ms, prompt),
        timed(f"\t\tGenerated {generated} tokens:\t", stats.decode_ms, generated),
        f"\tTime to first generated token:\t{stats.ttft_ms / 1000:f} (seconds)",
        f"\tSampling time over {prompt + generated} tokens:\t"
        f"{stats.sampling_ms / 1000:f} (seconds)",
    ]


def observer_json(stats: RunStats, stopwatch: Stopwatch) -> str:
    """The JSON of the ``PyTorchObserver`` line (contract §5.6).

    Rates come from the microsecond clock, so they survive phases shorter than the millisecond of
    the stamps. Sampling time is this turn's own; upstream's grows over the turns.
    """
    start = stopwatch.epoch_ms(stopwatch.start_ns)
    first_token = stopwatch.epoch_ms(stopwatch.first_token_ns)
    fields: dict[str, int | float] = {}
    if stats.prompt_eval_ms:
        fields["prefill_token_per_sec"] = _six_digits(
            stats.prompt_tokens * 1000 / stats.prompt_eval_ms
        )
    if stats.decode_ms:
        fields["decode_token_per_sec"] = _six_digits(
            stats.generated_tokens * 1000 / stats.decode_ms
        )
    fields |= {
        "prompt_tokens": stats.prompt_tokens,
        "generated_tokens": stats.generated_tokens,
        "model_load_start_ms": stopwatch.epoch_ms(stopwatch.load.start_ns),
        "model_load_end_ms": stopwatch.epoch_ms(stopwatch.load.end_ns),
        "inference_start_ms": start,
        "inference_end_ms": stopwatch.epoch_ms(stopwatch.end_ns),
        "model_execution_start_ms": 0,
        "model_execution_end_ms": 0,
        "prompt_eval_end_ms": first_token,
        "first_token_ms": first_token,
        "aggregate_sampling_time_ms": round(stats.sampling_ms),
        "aggregate_model_execution_time_ms": round(stats.execute_ms or 0),
        "SCALING_FACTOR_UNITS_PER_SECOND": 1000,
    }
    return json.dumps(fields, separators=(",", ":"))


def inference_speed(stats: RunStats) -> str:
    """Content of the speed file: default C++ ostream formatting, no newline (contract §5.4)."""
    if stats.generated_tokens:
        return f"{stats.generated_tokens * 1000 / stats.inference_ms:g}"
    return f"{stats.prompt_tokens * 1000 / stats.prompt_eval_ms:g}"


def _six_digits(rate: float) -> float:
    """Round to the six significant digits of upstream's stream formatting."""
    return float(f"{rate:g}")
