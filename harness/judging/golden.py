"""Golden pictures: what an answer about them has to name.

``python -m harness.judging.golden fixtures/images`` draws them again after the drawn world has
changed; the features in ``golden.toml`` are then adapted by hand, and a test holds both to the
scenes.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field

from harness.judging.failures import NothingToJudge
from harness.judging.questions import PictureQuestion
from harness.measure.accuracy import FEATURE_SEPARATOR, GOLDEN
from harness.miniatures.scenes import Scene
from harness.miniatures.world import NUMBERS, digit_of, shapes_of
from harness.program import run_program


class GoldenCase(BaseModel, frozen=True, extra="forbid"):
    """One picture, one question, and the words that a right answer holds."""

    image: Path
    scene_seed: int
    prompt: str
    features: tuple[Annotated[str, Field(pattern="^[^,]+$")], ...] = Field(min_length=1)

    @property
    def scene(self) -> Scene:
        """What the picture shows."""
        return Scene.from_seed(self.scene_seed)

    def question(self) -> PictureQuestion:
        """The question as an interview takes it."""
        expected = FEATURE_SEPARATOR.join(self.features)
        stem = self.image.stem
        return PictureQuestion(stem, GOLDEN, self.prompt, expected, self.image, self.features)


class GoldenSet(BaseModel, frozen=True, extra="forbid"):
    """The cases and the models that can be expected to solve them."""

    models: tuple[str, ...]
    case: tuple[GoldenCase, ...] = Field(min_length=1)

    def questions_for(self, model: str) -> tuple[PictureQuestion, ...]:
        """What a model is asked.

        Raises:
            NothingToJudge: If nobody says that it can be expected to know.
        """
        if model not in self.models:
            raise NothingToJudge(
                f"fixtures/images/golden.toml has no cases for {model}; add it to models"
            )
        return tuple(case.question() for case in self.case)


def load_golden_set(folder: Path) -> GoldenSet:
    """The golden pictures of a folder, with the questions of its ``golden.toml``."""
    table = tomllib.loads((folder / "golden.toml").read_text(encoding="utf-8-sig"))
    cases = [{**case, "image": folder / case["image"]} for case in table["case"]]
    return GoldenSet.model_validate({**table, "case": cases})


def features_of(scene: Scene) -> tuple[str, ...]:
    """Everything that a description of a scene names: shapes in reading order, then the digit."""
    shapes = (shape.name for shape in shapes_of(scene.cells))
    return (*shapes, f"digit {NUMBERS[digit_of(scene.cells).value]}")


def _draw(folder: Path) -> int:
    """Draw the pictures of a folder's ``golden.toml``, and say what each of them shows."""
    for case in load_golden_set(folder).case:
        case.scene.draw().save(case.image)
        print(case.image, *features_of(case.scene), sep="\n  ")
    return 0


if __name__ == "__main__":
    run_program(lambda: _draw(Path(sys.argv[1])))
