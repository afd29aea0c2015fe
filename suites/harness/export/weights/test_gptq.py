"""Compensated rounding changes a layer's outputs no more than rounding to the nearest."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.export.weights.gptq import compensated, output_error
from harness.export.weights.grid import Grid, rounded

OUTPUTS, INPUTS = 12, 160
GRIDS = [Grid(-7, 7), Grid(-8, 7, 32, "bfloat16"), Grid(-7, 7, 16, "sixteenths")]


def layer(seed: int, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights, and second moments of inputs that have ``rank`` directions in common."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(OUTPUTS, INPUTS, generator=generator)
    inputs = torch.randn(400, rank, generator=generator) @ torch.randn(
        rank, INPUTS, generator=generator
    )
    inputs += 0.1 * torch.randn(400, INPUTS, generator=generator)
    return weight, inputs.T @ inputs / len(inputs)


@given(seed=st.integers(0, 10_000), grid=st.sampled_from(GRIDS), rank=st.sampled_from([1, 8, 160]))
def test_no_rounding_is_worse_than_the_nearest(seed: int, grid: Grid, rank: int) -> None:
    weight, moments = layer(seed, rank)
    scales = grid.largest(weight)
    nearest, found = (
        output_error(weight, one.values, moments)
        for one in (rounded(weight, scales, grid), compensated(weight, scales, grid, moments))
    )
    assert found <= nearest * (1 + 1e-5)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_inputs_that_have_much_in_common_gain_much(grid: Grid) -> None:
    weight, moments = layer(7, rank=8)
    scales = grid.largest(weight)
    nearest = output_error(weight, rounded(weight, scales, grid).values, moments)
    found = output_error(weight, compensated(weight, scales, grid, moments).values, moments)
    assert found < 0.5 * nearest


def test_codes_stay_on_the_grid() -> None:
    weight, moments = layer(9, rank=4)
    grid = Grid(-7, 7, 32)
    found = compensated(weight, grid.largest(weight) / 2, grid, moments)
    assert found.codes.dtype == torch.int8
    assert int(found.codes.min()) == -7
    assert int(found.codes.max()) == 7


def test_inputs_that_never_carried_anything_do_no_harm() -> None:
    weight, moments = layer(11, rank=4)
    moments[:, 5] = moments[5] = 0
    grid = Grid(-7, 7)
    found = compensated(weight, grid.largest(weight), grid, moments)
    assert found.values.isfinite().all()
    torch.testing.assert_close(found.codes, found.codes.clamp(-7, 7))


def test_inputs_without_anything_in_common_are_rounded_to_the_nearest() -> None:
    weight, _ = layer(13, rank=4)
    grid = Grid(-7, 7)
    scales = grid.largest(weight)
    found = compensated(weight, scales, grid, torch.eye(INPUTS))
    assert torch.equal(found.codes, rounded(weight, scales, grid).codes)
