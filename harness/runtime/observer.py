"""What a run shows while it works, in upstream's words (contract §5.5, §5.6), and what it records.

Imports without torch.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal

from numpy.typing import NDArray

from harness.measure.margin import Margin, margin_of
from harness.measure.run_stats import RunStats
from harness.runner_log.line import Level, log_line
from harness.runner_log.statistics_block import block_lines
from harness.runtime.generation import Generation, Turn
from harness.runtime.stopwatch import Stopwatch

Phase = Literal["prefill", "decode"]
LogitsSink = Callable[[Phase, NDArray[Any]], None]


class Observer:
    """Listens to a run; this one shows nothing."""

    def log(self, message: str) -> None:
        """One line of upstream's log."""

    def text(self, piece: str) -> None:
        """A piece of the answer, whole characters only, as soon as it is known."""

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Logits ``[tokens, vocab_size]`` of a pass; copy what must outlive the call."""

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """A turn is complete."""


@dataclass(frozen=True)
class Shown:
    """What a run shows; by default what upstream's runner does.

    Attributes:
        stream: The answer on stdout, while it is generated.
        answer: The answer on stdout, when its turn is complete.
        statistics: ``PyTorchObserver`` on stdout.
        log: The log on stderr.
        stop_tokens: Texts that end an answer and are not shown of a complete one.
    """

    stream: bool = False
    answer: bool = False
    statistics: bool = True
    log: bool = True
    stop_tokens: tuple[str, ...] = ()


class ConsoleObserver(Observer):
    """Log to stderr, ``PyTorchObserver`` to stdout, as upstream's runner does.

    Args:
        shown: What of it, and what else.
        logits_sink: Gets all logits.

    Attributes:
        reported: Of the last turn, as statistics show them: in whole milliseconds, and the time of
            sampling summed over all turns (contract §5.5). What is measured is in the turn itself.
    """

    def __init__(self, shown: Shown | None = None, logits_sink: LogitsSink | None = None) -> None:
        self._shown = shown or Shown()
        self._logits_sink = logits_sink
        self._start_ns = time.perf_counter_ns()
        self._sampling_ms = 0.0
        self.reported: RunStats | None = None

    def log(self, message: str, level: Level = "I") -> None:
        """Write ``I HH:MM:SS.uuuuuu executorch:<file>:<line>] <message>``, time since start."""
        if not self._shown.log:
            return
        caller = sys._getframe(1)
        elapsed_us = (time.perf_counter_ns() - self._start_ns) // 1000
        source = f"{os.path.basename(caller.f_code.co_filename)}:{caller.f_lineno}"
        print(log_line(elapsed_us, source, message, level), file=sys.stderr)

    def text(self, piece: str) -> None:
        """Write the piece if streaming."""
        if self._shown.stream:
            print(piece, end="", flush=True)

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Pass the logits on."""
        if self._logits_sink is not None:
            self._logits_sink(phase, rows)

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """Close the answer and print the statistics."""
        self._sampling_ms += turn.stats.sampling_ms
        observation = stopwatch.observation(turn.stats, self._sampling_ms)
        self.reported = observation.stats()
        if self._shown.answer:
            print(_without_stop(turn.text, self._shown.stop_tokens), flush=True)
        elif self._shown.stream or self._shown.statistics:
            print(flush=True)
        if self._shown.statistics:
            print(observation.line(), flush=True)
        for line in block_lines(self.reported):
            self.log(line)


def _without_stop(answer: str, stop_tokens: Sequence[str]) -> str:
    for stop in stop_tokens:
        answer = answer.removesuffix(stop)
    return answer.strip()


def inference_speed(stats: RunStats) -> str:
    """Content of the speed file: default C++ ostream formatting, no newline (contract §5.4)."""
    tokens, duration_ms = (
        (stats.generated_tokens, stats.inference_ms)
        if stats.generated_tokens
        else (stats.prompt_tokens, stats.prompt_eval_ms)
    )
    return f"{tokens * 1000 / duration_ms:g}" if duration_ms else "inf"


class LogitsDump:
    """Writes the file of ``--dump_logits_path`` (contract §5.4).

    It has prompt and decode logits in their own dtype, one row of V elements per token.

    Args:
        file: Binary file.
        upstream_compat: Write as many *bytes* of each prefill pass as it has logits, which is
            upstream's defect: a half of the row for uint16, a quarter for float32.
    """

    def __init__(self, file: IO[bytes], upstream_compat: bool) -> None:
        self._file = file
        self._upstream_compat = upstream_compat

    def write(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Append the logits ``[tokens, vocab_size]`` of one pass."""
        content = rows.tobytes()
        if phase == "prefill" and self._upstream_compat:
            content = content[: rows.size]
        self._file.write(content)


class MarginObserver(ConsoleObserver):
    """Also keeps the two best of the logits that each token was chosen from.

    They tell how clearly it won, for judging whether two runs may differ there.
    """

    def __init__(self, shown: Shown | None = None, logits_sink: LogitsSink | None = None) -> None:
        super().__init__(shown, logits_sink)
        self._margins: list[Margin] = []
        self._turns: list[tuple[Margin, ...]] = []

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Look at the last row: of a prefill pass only the prompt's last token chooses.

        A decode pass hands over the row of every token that it chose, one by one.
        """
        super().logits(phase, rows)
        if phase == "prefill":
            self._margins.clear()
        self._margins.append(margin_of(rows[-1]))

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """Close the turn's list."""
        super().turn_ended(turn, stopwatch)
        self._turns.append(tuple(self._margins))

    def add_to(self, generation: Generation) -> Generation:
        """The generation with the margins of its turns, which are forgotten here."""
        margins, self._turns = self._turns, []
        turns = tuple(
            turn.model_copy(
                update={
                    "top2_gaps": tuple(margin.gap for margin in own),
                    "runner_up_ids": tuple(margin.runner_up_id for margin in own),
                }
            )
            for turn, own in zip(generation.turns, margins, strict=True)
        )
        return generation.model_copy(update={"turns": turns})
