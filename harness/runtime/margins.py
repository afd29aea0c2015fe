"""How clearly each token won, for judging whether two runs may differ there.

Imports without torch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.runtime.generation import Generation, Turn
from harness.runtime.observer import ConsoleObserver, LogitsSink, Phase
from harness.runtime.stopwatch import Stopwatch


class MarginObserver(ConsoleObserver):
    """Also keeps the top-2 gap of the logits that each token was chosen from.

    For runs of one token per decode step: kv and hybrid mode.
    """

    def __init__(self, stream: bool = False, logits_sink: LogitsSink | None = None) -> None:
        super().__init__(stream, logits_sink)
        self._gaps: list[float] = []
        self._turns: list[tuple[float, ...]] = []

    def logits(self, phase: Phase, rows: NDArray[Any]) -> None:
        """Look at the last row: of a prefill pass only the prompt's last token chooses."""
        super().logits(phase, rows)
        if phase == "prefill":
            self._gaps.clear()
        self._gaps.append(top2_gap(rows[-1]))

    def turn_ended(self, turn: Turn, stopwatch: Stopwatch) -> None:
        """Close the turn's list."""
        super().turn_ended(turn, stopwatch)
        self._turns.append(tuple(self._gaps))

    def add_to(self, generation: Generation) -> Generation:
        """The generation with the gaps of its turns, which are forgotten here."""
        gaps, self._turns = self._turns, []
        turns = tuple(
            turn.model_copy(update={"top2_gaps": own})
            for turn, own in zip(generation.turns, gaps, strict=True)
        )
        return generation.model_copy(update={"turns": turns})


def top2_gap(logits: NDArray[Any]) -> float:
    """Largest minus second largest of one row of logits ``[vocab_size]``, in their own unit."""
    second, first = np.partition(logits, -2)[-2:].tolist()
    return float(first - second)
