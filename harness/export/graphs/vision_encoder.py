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


class HeadsTogether(nn.Module):
    """Attention of all heads in one product each."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads = heads

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Map three times ``[1, patches, width]`` to the same shape."""
        patches, width = q.shape[1:]
        head_dim = width // self.heads
        q, k, v = (x.view(patches, self.heads, head_dim).transpose(0, 1) for x in (q, k, v))
        scores = torch.bmm(q, k.transpose(1, 2)) * head_dim**-0.5
        mixed = torch.bmm(torch.softmax(scores, dim=-1), v)
        return mixed.transpose(0, 1).reshape(1, patches, width)


class SelfAttention(nn.Module):
    """Bidirectional attention; families differ in the output projection's name.

    Attributes:
        mixing: Mixes V by Q and K; without weights, so that a backend may have its own.
    """

    mixing: nn.Module

    def __init__(self, geometry: VisionGeometry, output_name: str) -> None:
        super().__init__()
        width = geometry.hidden_size
        self.heads = geometry.heads
        self.mixing = HeadsTogether(geometry.heads)
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.output_name = output_name
        self.add_module(output_name, nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        mixed = self.mixing(self.q_proj(x), self.k_proj(x), self.v_proj(x))
        output: Tensor = self.get_submodule(self.output_name)(mixed)
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


class EncoderLayer(nn.Module):
    """Pre-norm layer in two halves.

    Attributes:
        piece_rows: Rows that the second half is computed on at a time; None for all at once.
    """

    piece_rows: int | None = None

    def attend(self, x: Tensor) -> Tensor:
        """What attention adds to ``[1, patches, width]``."""
        raise NotImplementedError

    def feed(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add that, and what the MLP makes of it; each row by itself."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        attended = self.attend(x)
        if self.piece_rows is None:
            return self.feed(x, attended)
        pieces = [torch.split(one, self.piece_rows, dim=1) for one in (x, attended)]
        return torch.cat([self.feed(*piece) for piece in zip(*pieces, strict=True)], dim=1)


class LayerStack(nn.ModuleList):
    """Layers one behind the other, from position embeddings to what follows the last layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, patches, width]`` to the same shape."""
        for layer in self:
            x = layer(x)
        return x
