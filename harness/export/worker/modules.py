"""Float modules written as XNNPACK takes them, in operators that lowering need not decompose.

A graph with nothing to decompose is traced less often (:mod:`harness.backends.idle_passes`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.export.graphs.text_decoder import (
    GatedMlp,
    StaticAttention,
    StaticDecoder,
    StaticDecoderLayer,
)


class PooledRmsNorm(nn.Module):
    """``nn.RMSNorm`` whose mean is that of a picture of one row.

    XNNPACK has no mean over one dimension, but pools over two; where it does not take the mean,
    every norm cuts the graph in two.
    """

    def __init__(self, norm: nn.RMSNorm) -> None:
        super().__init__()
        assert norm.eps is not None
        self.weight, self.eps = norm.weight, norm.eps

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, AR, hidden]`` to the same shape."""
        batch, ar, hidden = x.shape
        squares = (x * x).view(batch, ar, 1, hidden)
        mean = squares.mean((2, 3), keepdim=True).view(batch, ar, 1)
        return x * torch.rsqrt(mean + self.eps) * self.weight


class JoinedAttention(StaticAttention):
    """Attention whose queries, keys and values come from one product.

    So XNNPACK quantizes what enters them once instead of three times, and wakes its threads once.
    """

    def __init__(self, attention: StaticAttention) -> None:
        assert type(attention) is StaticAttention
        nn.Module.__init__(self)
        self.geometry, self.turn = attention.geometry, attention.turn
        self.qkv_proj = _joined([attention.q_proj, attention.k_proj, attention.v_proj])
        self.o_proj = attention.o_proj

    def project(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As the attention that it is made of."""
        heads, turned = self.geometry.heads, self.geometry.heads + self.geometry.kv_heads
        shape = (1, x.shape[1], turned + self.geometry.kv_heads, self.geometry.head_dim)
        joined = self.qkv_proj(x).view(shape).permute(0, 2, 1, 3)
        qk = self.turn(self.rotate(joined[:, :turned], cos, sin))
        return qk[:, :heads], qk[:, heads:].permute(0, 1, 3, 2), joined[:, turned:]

    def merge(self, attended: Tensor) -> Tensor:
        """As the attention that it is made of."""
        tokens_first = attended.permute(0, 2, 1, 3)
        return tokens_first.clone(memory_format=torch.contiguous_format).view(
            1, attended.shape[2], -1
        )

    def softmax(self, scores: Tensor) -> Tensor:
        """As the attention that it is made of."""
        weights: Tensor = torch.ops.aten._softmax(scores, -1, False)
        return weights


class JoinedMlp(GatedMlp):
    """Feed-forward block whose gate and what it gates come from one product."""

    def __init__(self, mlp: GatedMlp) -> None:
        nn.Module.__init__(self)
        self.intermediate_size = mlp.gate_proj.out_features
        self.gate_up_proj = _joined([mlp.gate_proj, mlp.up_proj])
        self.down_proj = mlp.down_proj

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[1, AR, hidden]`` to the same shape."""
        joined = self.gate_up_proj(x)
        gate, up = joined[..., : self.intermediate_size], joined[..., self.intermediate_size :]
        down: Tensor = self.down_proj(gate * torch.sigmoid(gate) * up)
        return down


def as_xnnpack_takes_it(decoder: StaticDecoder) -> StaticDecoder:
    """Replace norms of a decoder, and linears of its layers that read the same tensor by one each.

    Args:
        decoder: Changed in place.
    """
    for layer in decoder.layers:
        assert isinstance(layer, StaticDecoderLayer)
        layer.self_attn = JoinedAttention(layer.self_attn)
        layer.mlp = JoinedMlp(layer.mlp)
    for name, norm in list(decoder.named_modules()):
        if isinstance(norm, nn.RMSNorm):
            owner, _, attribute = name.rpartition(".")
            setattr(decoder.get_submodule(owner), attribute, PooledRmsNorm(norm))
    return decoder


def _joined(linears: Sequence[nn.Linear]) -> nn.Linear:
    """One linear whose outputs are those of several behind each other."""
    outputs = sum(linear.out_features for linear in linears)
    assert len({linear.bias is None for linear in linears}) == 1
    biases = [linear.bias.detach() for linear in linears if linear.bias is not None]
    joined = nn.Linear(linears[0].in_features, outputs, bias=bool(biases), device="meta")
    weight = _rows_behind_each_other([linear.weight.detach() for linear in linears])
    joined.weight = nn.Parameter(weight, requires_grad=False)
    if biases:
        joined.bias = nn.Parameter(torch.cat(biases), requires_grad=False)
    return joined


def _rows_behind_each_other(weights: Sequence[Tensor]) -> Tensor:
    from torchao.quantization import IntxUnpackedToInt8Tensor

    packed = [weight for weight in weights if isinstance(weight, IntxUnpackedToInt8Tensor)]
    if not packed:
        return torch.cat(list(weights))
    kinds = {(one.target_dtype, one.block_size, one.activation_quantization) for one in packed}
    assert len(packed) == len(weights)
    assert len(kinds) == 1
    first = packed[0]
    rows = [
        torch.cat([getattr(weight, name) for weight in packed])
        for name in ("qdata", "scale", "zero_point")
    ]
    joined: Tensor = IntxUnpackedToInt8Tensor(
        *rows,
        target_dtype=first.target_dtype,
        block_size=first.block_size,
        dtype=first.dtype,
        activation_quantization=first.activation_quantization,
    )
    return joined
