"""What the HTP matrix consists of: SoC, recipe, component and model, and which pairs to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations, product

from harness.artifacts.manifest import COMPONENTS, Component
from harness.vlm.registry import SPECS

SOCS = ("SM8550", "SM8650", "SM8750", "SM8850")
RECIPES = ("fp16", "16a8w", "16a4w_block")
FP16_SOC = "SM8650"
"""The one SoC on which the short matrix looks at fp16, whose emulation takes longest."""

MODELS = tuple(name for name, spec in SPECS.items() if spec.is_miniature)


@dataclass(frozen=True)
class Cell:
    """One compiled file of the matrix."""

    soc: str
    recipe: str
    component: Component
    model: str


Pair = tuple[tuple[int, str], tuple[int, str]]


def all_cells() -> tuple[Cell, ...]:
    """Every combination."""
    return tuple(Cell(*values) for values in product(SOCS, RECIPES, COMPONENTS, MODELS))


def pairwise(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """A few cells in which every pair of values of two factors occurs that occurs in ``cells``.

    Greedy: always the cell that shows most pairs that none before it showed. fp16 is looked at on
    one SoC only.
    """
    allowed = [cell for cell in cells if cell.recipe != "fp16" or cell.soc == FP16_SOC]
    missing = set().union(*map(_pairs, allowed))
    chosen = []
    while missing:
        best = max(allowed, key=lambda cell: len(missing & _pairs(cell)))
        chosen.append(best)
        missing -= _pairs(best)
    return tuple(chosen)


def _pairs(cell: Cell) -> set[Pair]:
    factors: Iterable[tuple[int, str]] = enumerate(astuple(cell))
    return set(combinations(factors, 2))
