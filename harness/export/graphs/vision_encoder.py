"""Blocks that vision encoders are made of, with fixed shapes (contract §3.2).

Parameter names are those of ``transformers``, so that a checkpoint loads with ``strict=True`` and
no weight can stay random.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from harness.vlm.spec import VisionGeometry


def pixel_shuffle(x: Tensor, patches_per_side: int, factor: int) -> Tensor:
    """Fold ``factor`` x ``factor`` neighbouring patches into one row (contract §3.2).

    Args:
        x: ``[1, patches, channels]`` in row-major order.
        patches_per_side: Side of the square of patches.
        factor: Patches per side of one folded square.

    Returns:
        ``[1, patches / factor**2, channels * factor**2]``.
    """
    side, channels = patches_per_side, x.shape[-1]
    folded = side // factor
    x = x.reshape(side, folded, channels * factor).transpose(0, 1)
    x = x.reshape(folded, folded, channels * factor * factor).transpose(0, 1)
    return x.reshape(1, folded * folded, channels * factor * factor)


class SelfAttention(nn.Module):
    """Bidirectional attention; families differ in the output projection's name."""

    def __init__(self, geometry: VisionGeometry, output_name: str) -> None:
        super().__init__()
        width = geometry.hidden_size
        self.heads = geometry.heads
        self.head_dim = width // geometry.heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.output_name = output_name
        self.add_module(output_name, nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        shape = (x.shape[1], self.heads, self.head_dim)
        q, k, v = (
            projection(x).view(shape).transpose(0, 1)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        scores = torch.bmm(q, k.transpose(1, 2)) * self.head_dim**-0.5
        mixed = torch.bmm(torch.softmax(scores, dim=-1), v)
        merged = mixed.transpose(0, 1).reshape(1, x.shape[1], self.heads * self.head_dim)
        output: Tensor = self.get_submodule(self.output_name)(merged)
        return output


class TanhGelu(nn.Module):
    """GELU in its tanh form, written out (Hendrycks and Gimpel, arXiv 1606.08415, section 2).

    XNNPACK computes the exact form whatever ``approximate`` says, 4.7e-4 off per activation.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Elementwise."""
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + torch.tanh(inner))


class Mlp(nn.Module):
    """Two linears around an activation."""

    def __init__(self, geometry: VisionGeometry, activation: nn.Module) -> None:
        super().__init__()
        self.fc1 = nn.Linear(geometry.hidden_size, geometry.intermediate_size)
        self.fc2 = nn.Linear(geometry.intermediate_size, geometry.hidden_size)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        y: Tensor = self.fc2(self.activation(self.fc1(x)))
        return y
