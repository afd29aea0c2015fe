"""A searched scale leaves no larger error than the largest one, whatever weights and grid are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.export.weights.grid import Grid, rounded
from harness.export.weights.scale_search import search_scales, squared_error

GRIDS = [
    Grid(-7, 7),
    Grid(-8, 7, 32, "bfloat16"),
    Grid(-7, 7, 16, "sixteenths"),
    Grid(-7, 7, 64, "sixteenths"),
    Grid(-127, 127),
]


def weights(seed: int, outlier: float = 8.0) -> torch.Tensor:
    """Rows of a layer, one input of which is far larger than the others."""
    weight = torch.randn(24, 128, generator=torch.Generator().manual_seed(seed))
    weight[:, seed % 128] *= outlier
    return weight


@given(
    seed=st.integers(0, 10_000),
    grid=st.sampled_from(GRIDS),
    outlier=st.sampled_from([0.0, 1.0, 8.0, 100.0]),
    has_importance=st.booleans(),
)
def test_no_output_is_worse_than_with_the_largest_scales(
    seed: int, grid: Grid, outlier: float, has_importance: bool
) -> None:
    weight = weights(seed, outlier)
    importance = weights(seed + 1).square()[0] if has_importance else None
    searched, largest = search_scales(weight, grid, importance), grid.largest(weight)
    errors = [
        squared_error(weight, scales, grid, importance).sum(dim=1) for scales in (searched, largest)
    ]
    assert (errors[0] <= errors[1] * (1 + 1e-5)).all()


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_scales_are_such_as_the_backend_stores(grid: Grid) -> None:
    scales = search_scales(weights(3), grid)
    torch.testing.assert_close(grid.stored(scales), scales, rtol=1e-6, atol=0)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30])
def test_rows_of_one_value_stay_finite(grid: Grid, value: float) -> None:
    weight = torch.full((4, 64), value)
    found = rounded(weight, search_scales(weight, grid), grid).values
    torch.testing.assert_close(found, weight, rtol=0.02, atol=1e-7)


def test_searching_gains_where_an_outlier_takes_the_range() -> None:
    weight, grid = weights(5), Grid(-7, 7)
    errors = [
        float(squared_error(weight, scales, grid).sum())
        for scales in (search_scales(weight, grid), grid.largest(weight))
    ]
    assert errors[0] < 0.9 * errors[1]


@pytest.mark.parametrize("threads", [1, 2])
def test_others_have_their_threads_back(threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        search_scales(torch.ones(4, 32), Grid(-8, 7, 32))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
