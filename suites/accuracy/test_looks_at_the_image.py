"""The models do not talk fluently about pictures they never saw."""

from __future__ import annotations

from fixtures.answers import Ask
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.judging.judge import SceneFindings
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


def test_a_blank_image_is_no_answer(
    model: VlmSpec, any_mode: Mode, own_recipe: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """With a blank image the answers stop being right."""

    def find(scenes: int) -> SceneFindings:
        answers = ask(model, own_recipe, any_mode, "blank", scenes=scenes)
        return SceneFindings(answers, {"blank_image_exact_match": answers.share_right})

    judge.conclude_while_open(find)


def test_another_image_is_another_answer(
    model: VlmSpec, any_mode: Mode, own_recipe: Recipe, ask: Ask, judge: SuiteJudge
) -> None:
    """With another scene's image the answers stop being right."""

    def find(scenes: int) -> SceneFindings:
        answers = ask(model, own_recipe, any_mode, "swapped", scenes=scenes)
        return SceneFindings(answers, {"swapped_image_exact_match": answers.share_right})

    judge.conclude_while_open(find)
