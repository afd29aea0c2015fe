"""Float modules written as the HTP's compiler and quantizer want them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from harness.export.graphs.text_decoder import StaticAttention, StaticDecoder
from harness.export.graphs.vision_encoder import TanhGelu
from harness.export.weights.hadamard import HadamardMap

MASKED_HTP = -255.0
"""Mask value at export. With it a 16-bit mask has its zero point at the top code, so that code
65535 is exactly 0 and code 0 is this value (contract §2.3)."""

_BELOW_THE_SMALLEST = 20.0
"""How far below a row's smallest score a masked one is put (contract §2.3)."""


class HtpAttention(StaticAttention):
    """Masked softmax on tensors of rank 4 throughout.

    Where the mask is not 0, a score is replaced by its row's minimum less 20 instead of being added
    to: the scores keep a range of their own, which 16 bits can hold (contract §2.3).

    The 20 is subtracted, not added as -20 as upstream writes it. QNN 2.47 fuses upstream's form
    into one operation, which on the emulator lets masked positions through as soon as there is more
    than one head and more than one token (``nox -s interop`` measures it); this form it leaves
    alone.
    """

    masked = MASKED_HTP

    def halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """One split, which QNN has."""
        real, imaginary = x.chunk(2, dim=-1)
        return real, imaginary

    def attend(
        self, q: Tensor, keys: tuple[Tensor, Tensor], values: tuple[Tensor, Tensor], mask: Tensor
    ) -> Tensor:
        """See :meth:`StaticAttention.attend`."""
        all_keys, all_values = torch.cat(keys, dim=-1), torch.cat(values, dim=2)
        geometry, ar = self.geometry, q.shape[2]
        rows = geometry.heads // geometry.kv_heads * ar
        grouped = q.reshape(1, geometry.kv_heads, rows, geometry.head_dim)
        scores = (grouped @ all_keys) / math.sqrt(geometry.head_dim)
        scores = scores.reshape(1, geometry.heads, ar, -1)
        filler = scores.amin(dim=-1, keepdim=True) - _BELOW_THE_SMALLEST
        weights = torch.softmax(torch.where(mask == 0, scores, filler), dim=-1)
        grouped_weights = weights.reshape(1, geometry.kv_heads, rows, -1)
        return (grouped_weights @ all_values).reshape(1, geometry.heads, ar, geometry.head_dim)


class HadamardTurn(nn.Module):
    """Vectors of heads times a Hadamard matrix.

    A few dimensions of K are far larger than the others and take the range of a cache of 8 bits for
    themselves; turned, all are about as large (QuaRot, arXiv:2404.00456; R3 of SpinQuant).
    """

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.matrix = nn.Linear(head_dim, head_dim, bias=False)
        self.matrix.weight = nn.Parameter(HadamardMap(head_dim).matrix, requires_grad=False)

    def forward(self, heads: Tensor) -> Tensor:
        """Map ``[1, heads, AR, head_dim]`` to the same shape."""
        turned: Tensor = self.matrix(heads.reshape(1, -1, heads.shape[-1]))
        return turned.reshape(heads.shape)


def turn_keys(decoder: StaticDecoder) -> None:
    """Turn Q and K of every layer, so that a quantized cache holds K more exactly."""
    for attention in decoder.modules():
        if isinstance(attention, StaticAttention):
            attention.turn = HadamardTurn(decoder.geometry.head_dim)


def linears_to_convolutions(module: nn.Module) -> nn.Module:
    """Weights in blocks and weights of single layers are quantized on 1x1 convolutions only."""
    from executorch.backends.qualcomm.utils.utils import convert_linear_to_conv2d

    converted: nn.Module = convert_linear_to_conv2d(module)
    return converted.eval()


def with_builtin_gelu(module: nn.Module) -> nn.Module:
    """QNN has GELU as one operation; written out it would be seven, each with an encoding."""
    for name, layer in list(module.named_modules()):
        if isinstance(layer, TanhGelu):
            owner, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(owner), attribute, nn.GELU(approximate="tanh"))
    return module
