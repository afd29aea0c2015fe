"""Scales by the squared error that rounding leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from harness.export.weights.grid import STEPS, Grid

SHARES = tuple(share / 100 for share in range(100, 54, -3))
"""Candidates, as shares of the scale with which no weight is out of reach; that comes first."""

_ROWS = 128
"""Outputs at a time, so that what is tried stays in a processor's cache."""


def search_scales(weight: Tensor, grid: Grid, importance: Tensor | None = None) -> Tensor:
    """Find the scale of each block with the least squared error.

    Of no output is the error larger than with scales that leave no weight out of reach.

    Args:
        weight: float32 ``[outputs, inputs]``.
        grid: What weights are rounded to.
        importance: Weight of each input's error, ``[inputs]``: the second moment of what it
            carries; None for all alike.

    Returns:
        Scales ``[outputs, blocks]``, as the backend keeps them.
    """
    with _one_thread():
        return torch.cat([_search(part, grid, importance) for part in torch.split(weight, _ROWS)])


@contextmanager
def _one_thread() -> Iterator[None]:
    """Steps that are over before a second thread has woken up take longer with one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def squared_error(
    weight: Tensor, scales: Tensor, grid: Grid, importance: Tensor | None = None
) -> Tensor:
    """Squared error ``[outputs, blocks]`` of rounding to the nearest."""
    blocks, steps = grid.blocks(weight), scales[:, :, None]
    # In place: most of the time would go to memory for what lies between.
    error = (blocks / steps).round_().clamp_(grid.code_min, grid.code_max)
    error.mul_(steps).sub_(blocks)
    if importance is not None:
        error.mul_(grid.blocks(importance.sqrt()[None]))
    return error.square_().sum(dim=2)


def _search(weight: Tensor, grid: Grid, importance: Tensor | None) -> Tensor:
    # Whatever is kept as steps of a row's own scale is chosen freely first.
    free = replace(grid, storage="float32") if grid.storage == "sixteenths" else grid
    largest = grid.blocks(weight).abs().amax(dim=2) / grid.code_max
    candidates = (free.stored(largest * share) for share in SHARES)
    best = _least_error(weight, list(candidates), grid, importance)
    if grid.storage != "sixteenths":
        return best
    step = best.amax(dim=1, keepdim=True) / STEPS
    below = (best / step).floor().clamp(1, STEPS)
    on_steps = [below * step, (below + 1).clamp(max=STEPS) * step]
    best = _least_error(weight, on_steps, grid, importance)
    stored = grid.stored(largest)
    errors = [squared_error(weight, one, grid, importance).sum(dim=1) for one in (best, stored)]
    return torch.where((errors[0] < errors[1])[:, None], best, stored)


def _least_error(
    weight: Tensor, candidates: list[Tensor], grid: Grid, importance: Tensor | None
) -> Tensor:
    """Of several scales for each block the one with the least error."""
    best, *others = candidates
    least = squared_error(weight, best, grid, importance)
    for scales in others:
        error = squared_error(weight, scales, grid, importance)
        better = error < least
        best, least = torch.where(better, scales, best), torch.where(better, error, least)
    return best
