"""The golden pictures are what the drawn world makes of their seeds, and nothing else."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from fixtures.answers import IMAGES
from harness.judging.failures import NothingToJudge
from harness.judging.float_model import FloatModel
from harness.judging.golden import GoldenCase, features_of, load_golden_set
from harness.judging.questions import PictureQuestion
from harness.miniatures.committed import checkpoint_path
from harness.miniatures.scenes import TEST_SEEDS
from harness.vlm.registry import get_spec

GOLDEN = load_golden_set(IMAGES)
CASES = GOLDEN.case
ROOT = Path(__file__).parents[3]


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


def test_the_picture_to_try_gets_the_answer_that_the_readme_promises() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"python -m harness\.runtime .*--image .*", text)
    (promised,) = re.findall(r"the answer is `(.*?)`", text)
    words = shlex.split(command)
    picture = ROOT / words[words.index("--image") + 1]
    prompt = words[words.index("--prompt") + 1]
    model = FloatModel(get_spec("tiny_smolvlm"), checkpoint_path("tiny_smolvlm"))
    question = PictureQuestion("readme", "count", prompt, promised, picture)
    said = model.tokenizer.decode(model.answer(question, max_tokens=16))
    assert said.strip() == f"{promised}<end_of_utterance>"
