"""Whether a stage that may say what it wants says what its own logits choose, and then stops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.ladder.exercise import Exercise
from harness.ladder.signals import Array, Reading, Signal
from harness.measure.accuracy import first_difference

_NOISE = 10.0
"""Times the largest error of a row of logits by which its best token has to lead, so that another
one cannot have been chosen for an error of the rows before it."""


def contradictions(
    exercise: Exercise, reading: Reading, answers: Sequence[Sequence[int]]
) -> list[str]:
    """What of a stage's answers its signals do not explain.

    With its hand held, a stage chose the float model's tokens; left alone, it has to choose them
    as well. Behind a first difference everything may differ.

    Args:
        exercise: What was asked, and what the float model said.
        reading: What the stage made of it with its hand held.
        answers: What it says by itself, token ids of each turn.
    """
    for index, (turn, said) in enumerate(zip(exercise.turns, answers, strict=True)):
        wanted = turn.answer_ids
        position = first_difference(said, wanted)
        if position is None:
            continue
        where = f"in turn {index + 1}" if index else "in the answer"
        if position == len(wanted) and not turn.is_over:
            return []  # The float model was not let finish.
        if position == len(wanted):
            return [f"in the runner: {where} it goes on behind the stop token"]
        if position < len(said) and not _leads(exercise.reading, reading, index, position, wanted):
            return []
        told = f"token {said[position]}" if position < len(said) else "nothing more"
        return [
            f"in the runner: {where} it says {told} at position {position}, where its logits "
            f"choose token {wanted[position]}"
        ]
    return []


def _leads(
    float_reading: Reading, reading: Reading, turn: int, position: int, wanted: Sequence[int]
) -> bool:
    """Whether a stage's own logits choose the wanted token beyond doubt."""
    was, now = (_row(one, turn, position) for one in (float_reading, reading))
    best, second = np.argsort(-now)[:2]
    error = float(np.abs(was - now).max())
    return int(best) == wanted[position] and float(now[best] - now[second]) > _NOISE * error


def _row(reading: Reading, turn: int, position: int) -> Array:
    """Logits that chose a token of an answer, ``[vocabulary]``."""
    if position == 0:
        row: Array = reading[Signal(turn, "first logits")][0]
        return row
    row = reading[Signal(turn, "answer logits")][position - 1]
    return row
