"""What a runner says by itself is held against what its own logits choose."""

from __future__ import annotations

import numpy as np
import pytest

from harness.ladder.exercise import Exercise, ExerciseTurn
from harness.ladder.free_answers import FreeAnswer, contradictions, same_answers
from harness.measure.run_stats import StopReason
from harness.runtime.request import Request

WANTED, STOP = (3, 5, 1), 1


def exercise(*, is_over: bool = True, turns: int = 1) -> Exercise:
    turn = ExerciseTurn((), (), (), np.zeros((2, 4)), WANTED, is_over, np.zeros((2, 4)))
    asked = Request(id="0", prompts=("?",) * turns)
    return Exercise(asked, (turn,) * turns, frozenset({STOP}), {})


def answer(*said: int, chosen: tuple[int, ...] = (), why: StopReason = "stop_token") -> FreeAnswer:
    return FreeAnswer(said, chosen or said, why)


@pytest.mark.parametrize("said", [WANTED, (3, 6, 1), (1,)])
def test_what_its_logits_choose_a_stage_may_say(said: tuple[int, ...]) -> None:
    assert contradictions(exercise(), [answer(*said)]) == []


def test_an_answer_that_does_not_stop_is_the_runners_fault() -> None:
    told = contradictions(exercise(), [answer(*WANTED, 7, why="length")])
    assert told == ["in the runner: in the answer it goes on behind the stop token"]


def test_another_token_than_its_logits_choose_is_the_runners_fault() -> None:
    told = contradictions(exercise(), [answer(3, 6, 1, chosen=WANTED)])
    assert told == [
        "in the runner: in the answer it says token 6 at position 1, where its logits choose "
        "token 5"
    ]


def test_an_answer_that_ends_for_no_reason_is_the_runners_fault() -> None:
    told = contradictions(exercise(), [answer(3, 5, why="unknown")])
    assert told == ["in the runner: in the answer it ends at position 2 without a stop token"]


def test_an_answer_may_end_where_it_is_long_enough() -> None:
    assert contradictions(exercise(), [answer(3, 5, why="length")]) == []


def test_a_later_turn_is_named() -> None:
    (told,) = contradictions(exercise(turns=2), [answer(*WANTED), answer(*WANTED, 7)])
    assert told == "in the runner: in turn 2 it goes on behind the stop token"


@pytest.mark.parametrize(
    ("said", "is_over", "same"),
    [
        (WANTED, True, True),
        ((*WANTED, 7), True, False),
        ((*WANTED, 7), False, True),
        ((3, 6, 1), True, False),
        ((3, 5), True, False),
    ],
)
def test_answers_are_the_same_as_far_as_the_float_model_was_let_speak(
    said: tuple[int, ...], is_over: bool, same: bool
) -> None:
    assert same_answers(exercise(is_over=is_over), [answer(*said)]) == [same]
