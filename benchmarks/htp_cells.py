"""What the HTP matrix consists of: SoCs, recipes, components, models; and which pairs to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import combinations, product

from harness.backends.qnn.recipe import HtpRecipe, LayerOverride
from harness.export.recipe import Recipe, default_recipe, parse_precision
from harness.targets.emulator import EMULATOR
from harness.targets.phone import PHONE
from harness.targets.registry import get_target
from harness.vlm.registry import known_miniatures
from harness.vocabulary import COMPONENTS, Component, Target

SOCS = ("SM8550", "SM8650", "SM8750", "SM8850")
RECIPES = ("fp16", "16a8w", "16a4w_block")
FP16_SOC = "SM8650"
"""The one SoC on which the short matrix looks at fp16, whose emulation takes longest."""

PHONE_RECIPE = "16a8w"
PHONE_SOC = "SM8650"
"""The one SoC for whose phones the short matrix compiles."""

MODELS = tuple(spec.name for spec in known_miniatures())


def _recipe(precision: str, htp: HtpRecipe | None = None) -> Recipe:
    recipe = parse_precision(precision, default_recipe(EMULATOR))
    return recipe if htp is None else recipe.model_copy(update={"htp": htp})


_HEAD_IN_BLOCKS = LayerOverride(component="text_decoder", pattern="lm_head", scheme="16a4w_block")

_CHOICES: tuple[tuple[Recipe, tuple[Component, ...]], ...] = (
    (_recipe("16a4w"), ("vision_encoder", "text_decoder")),
    (_recipe("16a8w", HtpRecipe(kv_bits=8)), ("text_decoder",)),
    (_recipe("16a4w_block", HtpRecipe(overrides=(_HEAD_IN_BLOCKS,))), ("text_decoder",)),
    (
        _recipe("16a4w_block", HtpRecipe(kv_bits=8, rotate_keys=True, block_size=16)),
        ("text_decoder",),
    ),
    (_recipe("token_embedding=8w"), ("token_embedding",)),
    (_recipe("token_embedding=4w"), ("token_embedding",)),
)
"""What else can be chosen, and which components it changes."""

CHOICES_SOC = "SM8650"
"""The one SoC on which the whole matrix looks at what else can be chosen."""

RECIPE_BY_LABEL = {
    recipe.label: recipe for recipe in (*map(_recipe, RECIPES), *(recipe for recipe, _ in _CHOICES))
}


@dataclass(frozen=True)
class Cell:
    """One compiled file of the matrix.

    Attributes:
        recipe: Its label, of ``RECIPE_BY_LABEL``.
        target: A phone's file is compiled and not run: the emulator cannot load shared weights.
    """

    soc: str
    recipe: str
    component: Component
    model: str
    target: Target = EMULATOR.name

    @property
    def is_of_a_phone(self) -> bool:
        """Whether it is compiled and not run."""
        return get_target(self.target).shares_memory

    @property
    def twin(self) -> Cell:
        """The cell with the same graphs for the emulator."""
        return replace(self, target=EMULATOR.name)


ValuePair = tuple[tuple[int, str], tuple[int, str]]


def all_cells() -> tuple[Cell, ...]:
    """Every combination for the emulator, what else can be chosen, and the decoders of phones."""
    combined = (Cell(*values) for values in product(SOCS, RECIPES, COMPONENTS, MODELS))
    chosen = (
        Cell(CHOICES_SOC, recipe.label, component, model)
        for recipe, components in _CHOICES
        for component, model in product(components, MODELS)
    )
    of_phones = (
        Cell(soc, PHONE_RECIPE, "text_decoder", model, PHONE.name)
        for soc, model in product(SOCS, MODELS)
    )
    return (*combined, *chosen, *of_phones)


def pairwise(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """A few cells in which every pair of values of two factors occurs that occurs in ``cells``.

    Greedy: always the cell that shows most pairs that none before it showed. fp16 is looked at on
    one SoC only, at what else can be chosen not at all. Phones are no factor: those of one SoC are
    added, with their twins.
    """
    of_phones = [cell for cell in cells if cell.is_of_a_phone and cell.soc == PHONE_SOC]
    allowed = [cell for cell in cells if not cell.is_of_a_phone and _is_in_short_matrix(cell)]
    chosen = [cell.twin for cell in of_phones]
    missing = set().union(*map(_pairs, allowed)).difference(*map(_pairs, chosen))
    while missing:
        best = max(allowed, key=lambda cell: len(missing & _pairs(cell)))
        chosen.append(best)
        missing -= _pairs(best)
    return (*chosen, *of_phones)


def _is_in_short_matrix(cell: Cell) -> bool:
    return cell.recipe in RECIPES and (cell.recipe != "fp16" or cell.soc == FP16_SOC)


def _pairs(cell: Cell) -> set[ValuePair]:
    factors: Iterable[tuple[int, str]] = enumerate(astuple(cell))
    return set(combinations(factors, 2))
