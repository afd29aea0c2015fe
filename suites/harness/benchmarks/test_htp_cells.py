"""The short HTP matrix leaves no pair of values out."""

from __future__ import annotations

from dataclasses import astuple
from itertools import combinations

import pytest

from benchmarks.htp_cells import (
    CHOICES_SOC,
    FP16_SOC,
    MODELS,
    PHONE_SOC,
    RECIPE_BY_LABEL,
    RECIPES,
    SOCS,
    Cell,
    all_cells,
    pairwise,
)
from harness.backends.qnn.recipe import HtpRecipe, LayerOverride
from harness.export.recipe import default_recipe, parse_precision
from harness.targets.emulator import EMULATOR

PLAIN = HtpRecipe()
HEAD_IN_BLOCKS = LayerOverride(component="text_decoder", pattern="lm_head", scheme="16a4w_block")
CHOICES = {
    ("16a4w", "vision_encoder", PLAIN),
    ("16a4w", "text_decoder", PLAIN),
    ("16a8w", "text_decoder", HtpRecipe(kv_bits=8)),
    ("16a4w_block", "text_decoder", HtpRecipe(overrides=(HEAD_IN_BLOCKS,))),
    ("16a4w_block", "text_decoder", HtpRecipe(kv_bits=8, rotate_keys=True, block_size=16)),
    ("8w", "token_embedding", PLAIN),
    ("4w", "token_embedding", PLAIN),
}


def pairs(cells: tuple[Cell, ...]) -> set[tuple[object, ...]]:
    return {pair for cell in cells for pair in combinations(enumerate(astuple(cell)), 2)}


def emulated(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(cell for cell in cells if cell.target == "emulator")


def of_phones(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(cell for cell in cells if cell.target == "phone")


def combined(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return tuple(cell for cell in emulated(cells) if cell.recipe in RECIPES)


def test_the_whole_matrix_has_every_combination_once() -> None:
    assert len(set(all_cells())) == len(all_cells())
    assert len(combined(all_cells())) == 4 * 3 * 3 * 2


def test_the_short_one_shows_every_pair_but_those_of_fp16_with_other_socs() -> None:
    missing = pairs(combined(all_cells())) - pairs(emulated(pairwise(all_cells())))
    assert missing == {((0, soc), (1, "fp16")) for soc in SOCS if soc != FP16_SOC}


@pytest.mark.parametrize("model", MODELS)
def test_what_else_can_be_chosen_is_looked_at_on_one_soc(model: str) -> None:
    others = [cell for cell in all_cells() if cell.recipe not in RECIPES and cell.model == model]
    assert {cell.soc for cell in others} == {CHOICES_SOC}
    recipes = [RECIPE_BY_LABEL[cell.recipe] for cell in others]
    assert len(others) == len(CHOICES)
    assert {
        (recipe.precision(cell.component), cell.component, recipe.htp)
        for cell, recipe in zip(others, recipes, strict=True)
    } == CHOICES


def test_the_short_one_leaves_it_out() -> None:
    assert {cell.recipe for cell in pairwise(all_cells())} == set(RECIPES)


def test_a_cell_names_its_recipe_as_reports_and_persons_do() -> None:
    for label, recipe in RECIPE_BY_LABEL.items():
        assert label == recipe.label
        typed = parse_precision(label.partition("[")[0], default_recipe(EMULATOR))
        assert typed.model_copy(update={"htp": recipe.htp}) == recipe


def test_decoders_of_both_models_are_compiled_for_phones_of_every_soc() -> None:
    found = of_phones(all_cells())
    assert {(cell.soc, cell.model) for cell in found} == {(s, m) for s in SOCS for m in MODELS}
    assert {(cell.recipe, cell.component) for cell in found} == {("16a8w", "text_decoder")}


def test_the_short_one_has_the_phones_of_one_soc() -> None:
    found = of_phones(pairwise(all_cells()))
    assert {(cell.soc, cell.model) for cell in found} == {(PHONE_SOC, model) for model in MODELS}


def test_a_phones_file_never_comes_without_the_one_that_it_is_compared_with() -> None:
    for cells in (all_cells(), pairwise(all_cells())):
        twins = {cell.twin for cell in of_phones(cells)}
        assert twins
        assert twins <= set(emulated(cells))


def test_the_short_one_is_short() -> None:
    assert len(pairwise(all_cells())) <= len(all_cells()) / 4


def test_one_soc_is_a_matrix_too() -> None:
    """What is left out elsewhere is not missed."""
    cells = tuple(cell for cell in all_cells() if cell.soc == "SM8550")
    assert {cell.recipe for cell in pairwise(cells)} == set(RECIPES) - {"fp16"}
