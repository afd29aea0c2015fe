"""A decoder whose numbers inside are turned, so that fewer of them stand out.

Language models keep a few numbers of what runs between their layers thousands of times as large
as all others: at the first token of a conversation SmolLM2-135M's reach 23,000, where the median
is 2. One range for 16 bits then has steps of 0.7. Turned by an orthogonal map, what the decoder
computes is the same and the largest is a twentieth of that (QuaRot, arXiv:2404.00456; R1 and R2 of
SpinQuant, arXiv:2405.16406).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.export.graphs.text_decoder import StaticDecoder, StaticDecoderLayer
from harness.export.weights.hadamard import HadamardMap

ENTRY = "entry"
"""Path of the linear that turns what enters a turned decoder. On the host it stays float: nothing
that it reads is spread out yet."""


def turn(decoder: StaticDecoder) -> None:
    """Turn all that can be turned before the decoder is traced.

    Args:
        decoder: Changed in place.
    """
    turn_hidden_states(decoder)
    turn_values(decoder)


@torch.no_grad()
def turn_hidden_states(decoder: StaticDecoder) -> None:
    """Turn what runs between the layers of a decoder.

    Norms give their weights to the linears behind them, for a map that is none of a number by
    itself can be drawn through a norm only if that has none. One linear turns what enters.

    Args:
        decoder: Changed in place.
    """
    size = decoder.geometry.hidden_size
    spread = HadamardMap(size)
    for layer in decoder.layers:
        assert isinstance(layer, StaticDecoderLayer)
        attention, mlp = layer.self_attn, layer.mlp
        readers = [attention.q_proj, attention.k_proj, attention.v_proj]
        _give_weights(layer.input_layernorm, readers)
        _give_weights(layer.post_attention_layernorm, [mlp.gate_proj, mlp.up_proj])
        for reader in (*readers, mlp.gate_proj, mlp.up_proj):
            reader.weight.copy_(spread(reader.weight))
        for writer in (attention.o_proj, mlp.down_proj):
            writer.weight.copy_(spread(writer.weight.T).T)
    _give_weights(decoder.norm, [decoder.lm_head])
    decoder.lm_head.weight.copy_(spread(decoder.lm_head.weight))
    decoder.entry = _linear(spread.matrix.T)


@torch.no_grad()
def turn_values(decoder: StaticDecoder) -> None:
    """Turn the values of every head; what mixes them turns them back.

    Args:
        decoder: Changed in place.
    """
    geometry = decoder.geometry
    spread = HadamardMap(geometry.head_dim)
    for layer in decoder.layers:
        assert isinstance(layer, StaticDecoderLayer)
        made, read = layer.self_attn.v_proj, layer.self_attn.o_proj
        by_head = made.weight.T.reshape(-1, geometry.kv_heads, geometry.head_dim)
        made.weight.copy_(spread(by_head).flatten(1).T)
        if made.bias is not None:
            made.bias.copy_(spread(made.bias.view(-1, geometry.head_dim)).flatten())
        read.weight.copy_(
            spread(read.weight.view(-1, geometry.heads, geometry.head_dim)).flatten(1)
        )


def _give_weights(norm: nn.RMSNorm, readers: Sequence[nn.Linear]) -> None:
    for reader in readers:
        reader.weight.mul_(norm.weight)
    norm.weight.fill_(1)


def _linear(weight: Tensor) -> nn.Linear:
    outputs, inputs = weight.shape
    linear = nn.Linear(inputs, outputs, bias=False, device="meta")
    linear.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    return linear
