"""The short HTP matrix leaves no pair of values out."""

from __future__ import annotations

from dataclasses import astuple
from itertools import combinations

from benchmarks.htp_cells import FP16_SOC, RECIPES, Cell, all_cells, pairwise


def pairs(cells: tuple[Cell, ...]) -> set[tuple[object, ...]]:
    return {pair for cell in cells for pair in combinations(enumerate(astuple(cell)), 2)}


def test_the_whole_matrix_has_every_combination_once() -> None:
    assert len(set(all_cells())) == len(all_cells()) == 4 * 3 * 3 * 2


def test_the_short_one_shows_every_pair_but_those_of_fp16_with_other_socs() -> None:
    missing = pairs(all_cells()) - pairs(pairwise(all_cells()))
    assert missing == {
        ((0, soc), (1, "fp16")) for soc in ("SM8550", "SM8650", "SM8750", "SM8850")
    } - {((0, FP16_SOC), (1, "fp16"))}


def test_the_short_one_is_short() -> None:
    assert len(pairwise(all_cells())) <= len(all_cells()) / 4


def test_one_soc_is_a_matrix_too() -> None:
    """What is left out elsewhere is not missed."""
    cells = tuple(cell for cell in all_cells() if cell.soc == "SM8550")
    assert {cell.recipe for cell in pairwise(cells)} == set(RECIPES) - {"fp16"}
