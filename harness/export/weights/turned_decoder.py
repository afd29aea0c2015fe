"""A decoder whose hidden states are turned, so that fewer of their numbers stand out.

Language models keep a few numbers of what runs between their layers thousands of times as large
as all others: at the first token of a conversation SmolLM2-135M's reach 23,000, where the median
is 2. One range for 16 bits then has steps of 0.35 or more; turned by an orthogonal map it computes
the same, and the largest is an eighteenth of that (QuaRot, arXiv:2404.00456; R1 of SpinQuant,
arXiv:2405.16406). Weights of 8 bits lose nothing by it. Those of 4 bits do: what stands out also
tells which of them have to be exact, and turned it no longer does.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from harness.export.graphs.text_decoder import StaticDecoder, StaticDecoderLayer
from harness.export.weights.hadamard import HadamardMap

_ROWS_AT_ONCE = 8192

ENTRY = "entry"
"""Path of the linear that turns what enters a turned decoder. On the host it stays float: nothing
that it reads is spread out yet."""


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
            _turn(reader.weight, spread)
        for writer in (attention.o_proj, mlp.down_proj):
            _turn(writer.weight.T, spread)
    _give_weights(decoder.norm, [decoder.lm_head])
    _turn(decoder.lm_head.weight, spread)
    decoder.entry = _linear(spread.matrix.T)


def _turn(rows: Tensor, spread: HadamardMap) -> None:
    """In place, some rows at a time: a head has a hundred thousand."""
    for part in torch.split(rows, _ROWS_AT_ONCE):
        part.copy_(spread(part))


def _give_weights(norm: nn.RMSNorm, readers: Sequence[nn.Linear]) -> None:
    for reader in readers:
        reader.weight.mul_(norm.weight)
    norm.weight.fill_(1)


def _linear(weight: Tensor) -> nn.Linear:
    outputs, inputs = weight.shape
    linear = nn.Linear(inputs, outputs, bias=False, device="meta")
    linear.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
    return linear
