"""The golden pictures are what the drawn world makes of their seeds, and nothing else."""

from __future__ import annotations

import pytest
from PIL import Image

from fixtures.answers import IMAGES
from harness.judging.failures import NothingToJudge
from harness.judging.golden import GoldenCase, features_of, load_golden_set
from harness.miniatures.scenes import TEST_SEEDS

GOLDEN = load_golden_set(IMAGES)
CASES = GOLDEN.case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.image.name)
def test_the_file_shows_the_scene(case: GoldenCase) -> None:
    drawn = case.scene.draw()
    with Image.open(case.image) as file:
        assert (file.mode, file.size) == (drawn.mode, drawn.size)
        assert file.tobytes() == drawn.tobytes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.image.name)
def test_the_features_are_what_the_scene_holds(case: GoldenCase) -> None:
    assert case.features == features_of(case.scene)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.image.name)
def test_the_description_of_the_scene_is_a_right_answer(case: GoldenCase) -> None:
    (description,) = case.scene.questions(["describe"])
    question = case.question()
    assert question.is_right(description.answer)
    assert question.missing("The picture shows nothing.") == list(case.features)


def test_golden_scenes_are_none_that_were_learned_from() -> None:
    assert all(case.scene_seed in TEST_SEEDS for case in CASES)


def test_a_model_that_nobody_expects_to_know_is_not_judged() -> None:
    assert GOLDEN.questions_for("tiny_smolvlm")
    with pytest.raises(NothingToJudge, match="no cases for smolvlm_500m; add it to models"):
        GOLDEN.questions_for("smolvlm_500m")
