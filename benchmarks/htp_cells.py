"""What the HTP matrix consists of: SoCs, recipes, components, models; and which pairs to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import combinations, product

from harness.artifacts.manifest import COMPONENTS, Component, Target
from harness.vlm.registry import SPECS

SOCS = ("SM8550", "SM8650", "SM8750", "SM8850")
RECIPES = ("fp16", "16a8w", "16a4w_block")
FP16_SOC = "SM8650"
"""The one SoC on which the short matrix looks at fp16, whose emulation takes longest."""

PHONE_RECIPE = "16a8w"
PHONE_SOC = "SM8650"
"""The one SoC for whose phones the short matrix compiles."""

MODELS = tuple(name for name, spec in SPECS.items() if spec.is_miniature)


@dataclass(frozen=True)
class Cell:
    """One compiled file of the matrix.

    Attributes:
        target: A phone's file is compiled and not run: the emulator cannot load shared weights.
    """

    soc: str
    recipe: str
    component: Component
    model: str
    target: Target = "emulator"

    @property
    def twin(self) -> Cell:
        """The cell with the same graphs for the emulator."""
        return replace(self, target="emulator")


Pair = tuple[tuple[int, str], tuple[int, str]]


def all_cells() -> tuple[Cell, ...]:
    """Every combination for the emulator, then the decoders of phones."""
    emulated = (Cell(*values) for values in product(SOCS, RECIPES, COMPONENTS, MODELS))
    of_phones = (
        Cell(soc, PHONE_RECIPE, "text_decoder", model, "phone")
        for soc, model in product(SOCS, MODELS)
    )
    return (*emulated, *of_phones)


def pairwise(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """A few cells in which every pair of values of two factors occurs that occurs in ``cells``.

    Greedy: always the cell that shows most pairs that none before it showed. fp16 is looked at on
    one SoC only. Phones are no factor: those of one SoC are added, with their twins.
    """
    of_phones = [cell for cell in cells if cell.target == "phone" and cell.soc == PHONE_SOC]
    allowed = [cell for cell in cells if cell.target == "emulator" and _is_in_short_matrix(cell)]
    chosen = [cell.twin for cell in of_phones]
    missing = set().union(*map(_pairs, allowed)).difference(*map(_pairs, chosen))
    while missing:
        best = max(allowed, key=lambda cell: len(missing & _pairs(cell)))
        chosen.append(best)
        missing -= _pairs(best)
    return (*chosen, *of_phones)


def _is_in_short_matrix(cell: Cell) -> bool:
    return cell.recipe != "fp16" or cell.soc == FP16_SOC


def _pairs(cell: Cell) -> set[Pair]:
    factors: Iterable[tuple[int, str]] = enumerate(astuple(cell))
    return set(combinations(factors, 2))
