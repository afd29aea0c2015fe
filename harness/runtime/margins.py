"""How clearly each token won, for judging whether two runs may differ there.

Imports without torch.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from harness.measure.margin import Margin, margin_of
from harness.runtime.generation import Generation, Turn
from harness.runtime.observer import ConsoleObserver, LogitsSink, Phase
from harness.runtime.stopwatch import Stopwatch


class MarginObserver(ConsoleObserver):
    """Also keeps the two best of the logits that each token was chosen from."""

    def __init__(self, stream: bool = False, logits_sink: LogitsSink | None = None) -> None:
        super().__init__(stream, logits_sink)
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
