"""Answers about the golden pictures name what is in them."""

from __future__ import annotations

import pytest

from fixtures.answers import IMAGES, Ask
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.judging.golden import GoldenSet, load_golden_set
from harness.measure.share import counted_whole
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@pytest.fixture(scope="module")
def golden_cases() -> GoldenSet:
    """The golden pictures with their questions."""
    return load_golden_set(IMAGES)


def test_golden_features_are_named(
    model: VlmSpec,
    mode: Mode,
    recipe: Recipe,
    golden_cases: GoldenSet,
    ask: Ask,
    judge: SuiteJudge,
) -> None:
    """Every required word is in the answer itself, as a whole word.

    The golden pictures stand for themselves and for no others, so they are counted whole.
    """
    answers = ask(model, recipe, mode, golden_cases.questions_for(model.name))
    named = counted_whole(answers.share_right)
    judge.conclude(answers, notes=answers.missing_features, golden_hit=named)
