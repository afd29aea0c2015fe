"""What a runner says by itself is held against what its own logits choose."""

from __future__ import annotations

import numpy as np
import pytest

from harness.ladder.exercise import Exercise, ExerciseTurn
from harness.ladder.free_answers import contradictions
from harness.ladder.signals import Array, Signal
from harness.runtime.request import Request

WANTED = (3, 5, 1)
STOP = "in the runner: in the answer it goes on behind the stop token"


def logits(*chosen: int, lead: float = 4.0) -> Array:
    rows = np.zeros((len(chosen), 8), np.float32)
    rows[range(len(chosen)), chosen] = lead
    return rows


def exercise(*, is_over: bool = True, turns: int = 1) -> Exercise:
    turn = ExerciseTurn((), (), (), np.zeros((2, 4)), WANTED, is_over, np.zeros((2, 4)))
    reading = {}
    for index in range(turns):
        reading[Signal(index, "first logits")] = logits(WANTED[0])
        reading[Signal(index, "answer logits")] = logits(*WANTED[1:])
    return Exercise(Request(id="0", prompts=("?",) * turns), (turn,) * turns, reading)


def test_the_same_answer_contradicts_nothing() -> None:
    asked = exercise()
    assert contradictions(asked, asked.reading, [WANTED]) == []


def test_an_answer_that_does_not_stop_is_the_runners_fault() -> None:
    asked = exercise()
    assert contradictions(asked, asked.reading, [(*WANTED, 7)]) == [STOP]


def test_an_answer_that_the_float_model_was_not_let_finish_may_go_on() -> None:
    asked = exercise(is_over=False)
    assert contradictions(asked, asked.reading, [(*WANTED, 7)]) == []


@pytest.mark.parametrize(("said", "told"), [((3, 6, 1), "token 6"), ((3,), "nothing more")])
def test_another_token_than_the_logits_choose_is_the_runners_fault(
    said: tuple[int, ...], told: str
) -> None:
    asked = exercise()
    assert contradictions(asked, asked.reading, [said]) == [
        f"in the runner: in the answer it says {told} at position 1, where its logits choose "
        "token 5"
    ]


def test_a_token_that_the_logits_leave_open_is_no_fault() -> None:
    asked = exercise()
    undecided = dict(asked.reading)
    undecided[Signal(0, "answer logits")] = logits(*WANTED[1:], lead=0.1)
    assert contradictions(asked, undecided, [(3, 6, 1)]) == []


def test_a_later_turn_is_named() -> None:
    asked = exercise(turns=2)
    (told,) = contradictions(asked, asked.reading, [WANTED, (*WANTED, 7)])
    assert told == "in the runner: in turn 2 it goes on behind the stop token"
