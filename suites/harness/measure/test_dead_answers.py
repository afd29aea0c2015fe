"""What a few answers tell of a model that is dead, and what they do not."""

from __future__ import annotations

import pytest

from harness.measure.dead_answers import Said, deadness

NO = (7,)
RED = (3,) * 20
LONG = tuple(range(24))


def said(
    ids: tuple[int, ...],
    question: str = "What?",
    picture: str = "1.png",
    gaps: tuple[float, ...] | None = None,
) -> Said:
    return Said(question, picture, ids, "x" * len(ids), gaps)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([said(RED), said(())], "none of 2 answers says anything, the first is 'xxxx"),
        ([said((), "A"), said((), "B")], "the stop token comes first"),
        ([said(LONG, one) for one in "ABC"], "its answer to 3 different questions is always the"),
        ([said(NO, one) for one in "ABCDEF"], "its answer to 6 different questions is always the"),
        (
            [said(NO, picture=one, gaps=(1.5,)) for one in "AB"],
            "what it says of 2 pictures is the same to the last bit of its logits",
        ),
        (
            [said(LONG, picture=one) for one in "ABC"],
            "what it says of 3 pictures is word by word the same, 'xxxx",
        ),
    ],
    ids=[
        "silent",
        "at once over",
        "deaf",
        "deaf, in a word",
        "blind",
        "blind, by a runner without logits",
    ],
)
def test_a_dead_models_answers_are_told(answers: list[Said], why: str) -> None:
    assert why in (deadness(answers) or "")


def test_a_phrase_without_end_is_the_same_answer_to_everything() -> None:
    phrase = tuple(range(9)) * 14
    assert "always the same" in (deadness([said(phrase, one, one) for one in "ABCD"]) or "")


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [said(RED)],
        [said(RED), said(NO)],
        [said((7, 7, 7)), said((7,))],
        [said(LONG, one) for one in "AB"],
        [said(NO, one) for one in "ABCDE"],
        [said(NO, picture=one) for one in "ABCDEF"],
        [said(LONG, picture=one) for one in "AB"],
        [*(said(LONG, "A", one) for one in "123"), said(NO, "B", "1"), said(RED, "B", "2")],
        [said(NO, picture="1.png", gaps=(1.5,)), said(NO, picture="1.png", gaps=(1.5,))],
        [said(NO, picture="A", gaps=(1.5,)), said(NO, picture="B", gaps=(1.25,))],
        [said(NO, one, one, (1.5,)) for one in "AB"],
        [
            *(said(NO, "A", one, (1.5,)) for one in "12"),
            *(said(NO, "B", one, (float(one),)) for one in "12"),
        ],
    ],
    ids=[
        "nothing was asked",
        "one answer repeats itself",
        "one of two does",
        "no, no, no",
        "the same to two questions",
        "no to five questions",
        "the same word of many pictures, by a runner without logits",
        "a long one of two pictures, by such a runner",
        "another question is answered by the picture",
        "one picture twice",
        "the same word by other logits",
        "no question twice",
        "one question is answered by the picture",
    ],
)
def test_what_a_living_model_may_say_is_no_fault(answers: list[Said]) -> None:
    assert deadness(answers) is None
