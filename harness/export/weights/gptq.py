"""Rounding that makes up for its own errors: GPTQ (Frantar et al., arXiv:2210.17323).

Columns are rounded one after the other, the most important first; what rounding one changes in the
layer's outputs is taken back by the columns that are still free.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.export.weights.grid import Grid, QuantizedWeight, rounded

DAMPING = 0.01
"""Share of the mean second moment that is added to each, so that no direction is without weight."""

_COLUMNS = 128
"""Rounded before their errors reach all columns behind them."""


def output_error(weight: Tensor, values: Tensor, moments: Tensor) -> float:
    """Mean squared error of a layer's outputs, summed over them.

    Args:
        weight: ``[outputs, inputs]``.
        values: What stands in for it.
        moments: Second moments of its inputs, ``[inputs, inputs]``.
    """
    change = (values - weight).double()
    return float(((change @ moments.double()) * change).sum())


def compensated(weight: Tensor, scales: Tensor, grid: Grid, moments: Tensor) -> QuantizedWeight:
    """Round a weight so that the layer's outputs change little.

    Where that gains nothing over the nearest codes, as for inputs that have nothing in common, the
    nearest are kept.

    Args:
        weight: float32 ``[outputs, inputs]``.
        scales: Of each block.
        grid: What weights are rounded to.
        moments: Second moments of the inputs, ``[inputs, inputs]``.
    """
    nearest = rounded(weight, scales, grid)
    found = QuantizedWeight(_codes(weight, scales, grid, moments), scales, grid)
    better = _row_errors(weight, found, moments) < _row_errors(weight, nearest, moments)
    return QuantizedWeight(torch.where(better[:, None], found.codes, nearest.codes), scales, grid)


def _row_errors(weight: Tensor, quantized: QuantizedWeight, moments: Tensor) -> Tensor:
    change = quantized.values - weight
    return ((change @ moments) * change).sum(dim=1)


def _codes(weight: Tensor, scales: Tensor, grid: Grid, moments: Tensor) -> Tensor:
    order = torch.argsort(moments.diagonal(), descending=True)
    factor = _inverse_factor(moments[order][:, order])
    # Transposed, so that what is rounded at once lies together.
    steps = scales.T.repeat_interleave(weight.shape[1] // scales.shape[1], dim=0)[order]
    left = weight.T[order]
    codes = torch.empty_like(left)
    for start in range(0, len(left), _COLUMNS):
        end = min(start + _COLUMNS, len(left))
        errors = torch.empty_like(left[start:end])
        for place in range(start, end):
            code = (left[place] / steps[place]).round_().clamp_(grid.code_min, grid.code_max)
            error = (left[place] - code * steps[place]) / factor[place, place]
            left[place:end] -= torch.outer(factor[place, place:end], error)
            codes[place], errors[place - start] = code, error
        left[end:] -= factor[start:end, end:].T @ errors
    return codes[torch.argsort(order)].T.to(torch.int8).contiguous()


def _inverse_factor(moments: Tensor) -> Tensor:
    """Upper Cholesky factor of the inverse of damped second moments."""
    # An input that never carried anything has no moment, and its weights may be anything.
    diagonal = moments.diagonal()
    damped = moments + torch.diag(diagonal.mean() * DAMPING + torch.where(diagonal > 0, 0.0, 1.0))
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(damped.double()))
    factor: Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor.float()
