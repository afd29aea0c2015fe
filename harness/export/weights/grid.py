"""The values that a quantized weight can take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Storage = Literal["float32", "bfloat16", "sixteenths"]
"""How a backend keeps scales: as they are, rounded to bfloat16 (XNNPACK's blocks), or as one float
per row and a number of sixteenths of it per block (QNN's blocks)."""

_SMALLEST = 1e-9
STEPS = 16


@dataclass(frozen=True)
class Grid:
    """Codes times a scale that some weights of a row share.

    Attributes:
        code_min: Lowest code.
        code_max: Highest code.
        block_size: Consecutive inputs of one output that share a scale; None for all of them.
        storage: How scales are kept.
    """

    code_min: int
    code_max: int
    block_size: int | None = None
    storage: Storage = "float32"

    def blocks(self, weight: Tensor) -> Tensor:
        """Weights ``[outputs, inputs]`` as ``[outputs, blocks, block_size]``."""
        outputs, inputs = weight.shape
        return weight.reshape(outputs, -1, self.block_size or inputs)

    def stored(self, scales: Tensor) -> Tensor:
        """Positive scales ``[outputs, blocks]`` as a backend keeps them."""
        scales = scales.clamp(min=_SMALLEST)
        if self.storage == "bfloat16":
            return scales.bfloat16().float()
        if self.storage == "sixteenths":
            step = scales.amax(dim=1, keepdim=True) / STEPS
            return (scales / step).round().clamp(1, STEPS) * step
        return scales

    def largest(self, weight: Tensor) -> Tensor:
        """Scales ``[outputs, blocks]`` with which no weight is out of reach."""
        return self.stored(self.blocks(weight).abs().amax(dim=2) / self.code_max)

    def codes(self, weight: Tensor, scales: Tensor) -> Tensor:
        """Nearest codes of weights ``[outputs, inputs]``, float of whole numbers, same shape."""
        codes = (self.blocks(weight) / scales[:, :, None]).round_()
        return codes.clamp_(self.code_min, self.code_max).reshape(weight.shape)

    def values(self, codes: Tensor, scales: Tensor) -> Tensor:
        """Weights ``[outputs, inputs]`` that codes stand for."""
        return (self.blocks(codes) * scales[:, :, None]).reshape(codes.shape)


@dataclass(frozen=True)
class QuantizedWeight:
    """A linear layer's weight on a grid.

    Attributes:
        codes: int8 ``[outputs, inputs]``.
        scales: float32 ``[outputs, blocks]``.
        grid: What the codes mean.
    """

    codes: Tensor
    scales: Tensor
    grid: Grid

    @property
    def values(self) -> Tensor:
        """The weights that a backend computes with, float32 ``[outputs, inputs]``."""
        return self.grid.values(self.codes.float(), self.scales)


def rounded(weight: Tensor, scales: Tensor, grid: Grid) -> QuantizedWeight:
    """Round a weight ``[outputs, inputs]`` to the nearest values of a grid."""
    return QuantizedWeight(grid.codes(weight, scales).to(torch.int8), scales, grid)
