"""What is read and asked on real language, and that nobody is judged on what he learned."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tokenizers import Tokenizer

from benchmarks.real_text.likelihood import losses
from benchmarks.real_text.questions import QUESTIONS, ClosedQuestion
from benchmarks.real_text.recipes import recipes
from benchmarks.real_text.text import CONTEXT, passages, windows
from harness.export.recipe import check_precisions
from harness.miniatures.committed import checkpoint_path
from harness.targets.emulator import EMULATOR
from harness.targets.host import HOST
from harness.targets.target import TargetSpec

TOKENIZER = checkpoint_path("tiny_smolvlm") / "tokenizer.json"


def test_windows_do_not_overlap_and_come_from_all_over_the_text() -> None:
    found = windows(TOKENIZER, 4 * CONTEXT)
    assert [len(window) for window in found] == [CONTEXT] * 4
    assert len({window[:32] for window in found}) == 4
    assert found == windows(TOKENIZER, 4 * CONTEXT - 1)


def test_what_is_judged_was_not_learned_on() -> None:
    engine = Tokenizer.from_file(str(TOKENIZER))
    learned = " ".join(passages(TOKENIZER, 200))
    for window in windows(TOKENIZER, 8 * CONTEXT):
        assert engine.decode(list(window[64:160])) not in learned


def test_losses_are_those_of_the_tokens_that_follow() -> None:
    logits = np.zeros((3, 4), np.float32)
    logits[0, 2] = math.log(3)
    assert losses(logits, (1, 2, 0)) == pytest.approx((math.log(6 / 3), math.log(4)))


@pytest.mark.parametrize(
    ("answer", "right"),
    [("The capital is Paris.", True), ("PARIS", True), ("Bonjour, bonjour!", False), ("", False)],
)
def test_an_answer_is_right_if_it_holds_the_word(answer: str, right: bool) -> None:
    assert ClosedQuestion("?", ("paris", "lutetia")).is_answered(answer) == right


def test_there_are_24_questions_and_no_answer_is_in_its_question() -> None:
    assert len({question.text for question in QUESTIONS}) == 24
    assert not any(question.is_answered(question.text) for question in QUESTIONS)


@pytest.mark.parametrize("target", [HOST, EMULATOR], ids=lambda target: target.name)
def test_every_recipe_is_one_that_its_target_can_run(target: TargetSpec) -> None:
    labels = set()
    for recipe in recipes(target).values():
        check_precisions(recipe, target)
        labels.add(recipe.label)
    assert len(labels) == len(recipes(target))
