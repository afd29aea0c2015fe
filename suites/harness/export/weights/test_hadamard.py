"""A Hadamard map is orthogonal, has entries of one magnitude, and maps as its matrix does."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.export.weights.hadamard import HadamardMap

OF_MODELS = [64, 128, 576, 896, 960, 1536, 2048, 2560, 3072]
"""Widths and heads of language models of SmolVLM's and InternVL3's sizes."""


@pytest.mark.parametrize("size", OF_MODELS)
def test_vectors_of_models_are_spread_over_all_of_their_numbers(size: int) -> None:
    matrix = HadamardMap(size).matrix
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(size), rtol=0, atol=1e-5)
    entries = matrix.abs()
    torch.testing.assert_close(entries, torch.full_like(entries, size**-0.5))


@given(size=st.integers(1, 200))
def test_whatever_the_size_the_map_is_that_of_its_matrix(size: int) -> None:
    turn = HadamardMap(size)
    matrix = turn.matrix
    assert matrix.shape == (size, size)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(size), rtol=0, atol=1e-5)
    rows = torch.randn(2, 3, size, generator=torch.Generator().manual_seed(size))
    torch.testing.assert_close(turn(rows), rows @ matrix, rtol=1e-4, atol=1e-4)
