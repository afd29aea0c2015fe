"""Procedurally drawn scenes: the world that the miniatures know.

A scene is a grid of two rows and three columns that holds two to four coloured shapes and one
written digit. Everything about it follows from its seed. Training, calibration and test scenes
have seeds from disjoint ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from PIL import Image

from harness.errors import UserError
from harness.miniatures.drawing import draw_cells
from harness.miniatures.questions import (
    KINDS,
    Question,
    ask,
    relations_of,
    single_colours,
    single_forms,
)
from harness.miniatures.world import CELLS, COLOURS, SHAPES, Cells, Digit, Shape

TRAINING_SEEDS = range(0, 100_000_000)
"""Seeds of the scenes that the trainer learns from."""

CALIBRATION_SEEDS = range(100_000_000, 101_000_000)
"""Seeds of the scenes that quantization is calibrated on."""

TEST_SEEDS = range(200_000_000, 201_000_000)
"""Seeds of the scenes that accuracy is measured on."""

FEWEST_SHAPES, MOST_SHAPES = 2, 4


@dataclass(frozen=True)
class Scene:
    """What one seed stands for.

    Attributes:
        seed: Decides the contents, the drawing and the questions.
        cells: Contents in reading order of the grid.
    """

    seed: int
    cells: Cells

    @classmethod
    def from_seed(cls, seed: int) -> Scene:
        """Compose the scene of a seed; contents that leave a kind unaskable are drawn again."""
        chance = Random(seed)
        cells = _compose(chance)
        while not (single_forms(cells) and single_colours(cells) and relations_of(cells)):
            cells = _compose(chance)
        return cls(seed, cells)

    def draw(self) -> Image.Image:
        """The picture of this scene: RGB, 256 x 256 pixels."""
        return draw_cells(self.cells, Random(f"draw {self.seed}"))

    def questions(self, kinds: Sequence[str] = KINDS) -> tuple[Question, ...]:
        """One question for every entry of ``kinds``, in their order."""
        return ask(self.cells, kinds, Random(f"ask {self.seed}"))


@dataclass(frozen=True)
class SceneSample:
    """One question about one scene."""

    scene_seed: int
    question: Question

    def draw(self) -> Image.Image:
        """The picture that the question is about: RGB, 256 x 256 pixels."""
        return Scene.from_seed(self.scene_seed).draw()


def evaluation_samples(count: int) -> list[SceneSample]:
    """The first ``count`` test samples: one per scene, cycling through ``KINDS``.

    Raises:
        UserError: If there are not that many test scenes.
    """
    return _samples(TEST_SEEDS, count)


def calibration_samples(count: int) -> list[SceneSample]:
    """The first ``count`` calibration samples: one per scene, cycling through ``KINDS``.

    Raises:
        UserError: If there are not that many calibration scenes.
    """
    return _samples(CALIBRATION_SEEDS, count)


def _samples(seeds: Sequence[int], count: int) -> list[SceneSample]:
    if not 0 <= count <= len(seeds):
        raise UserError(
            f"There are {len(seeds):,} scenes but {count:,} were asked for; ask for fewer."
        )
    return [
        SceneSample(seed, Scene.from_seed(seed).questions()[index % len(KINDS)])
        for index, seed in enumerate(seeds[:count])
    ]


def _compose(chance: Random) -> Cells:
    names = [(colour, form) for colour in COLOURS for form in SHAPES]
    shapes = [
        Shape(*name) for name in chance.sample(names, chance.randint(FEWEST_SHAPES, MOST_SHAPES))
    ]
    things: list[Shape | Digit] = [*shapes, Digit(chance.randrange(10))]
    cells: list[Shape | Digit | None] = [None] * len(CELLS)
    for position, thing in zip(chance.sample(range(len(CELLS)), len(things)), things, strict=True):
        cells[position] = thing
    return tuple(cells)
