"""What a run shows while it works, in upstream's words (contract §5.5, §5.6).

Imports without torch.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from harness.measure.run_stats import RunStats
from harness.runner_log.line import log_line
from harness.runner_log.statistics_block import block_lines
from harness.runtime.generation import Turn
from harness.runtime.stopwatch import Stopwatch

Phase = Literal["prefill", "decode"]
LogitsSink = Callable[[Phase, NDArray[Any]], None]


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
        print(stopwatch.observation(turn.stats).line(), flush=True)
        for line in block_lines(turn.stats):
            self.log(line)


def inference_speed(stats: RunStats) -> str:
    """Content of the speed file: default C++ ostream formatting, no newline (contract §5.4)."""
    if stats.generated_tokens:
        return f"{stats.generated_tokens * 1000 / stats.inference_ms:g}"
    return f"{stats.prompt_tokens * 1000 / stats.prompt_eval_ms:g}"
