"""Decoders with the weights of a recipe, in torch: what a recipe costs before anything is exported.

On the host activations are those of the file as well, for they are quantized at run time. On the
HTP they stay float: 16 bits of them cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from benchmarks.real_text.likelihood import float_decoder
from harness.backends.qnn.recipe import WeightScheme
from harness.checkpoint.checkpoint import Checkpoint
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.quantizer import layer_schemes, weight_grids
from harness.export.recipe import Recipe
from harness.export.weights.grid import Grid
from harness.export.weights.rounding import round_weights
from harness.export.weights.turned_decoder import turn_hidden_states
from harness.export.worker.linear_weights import quantize_linears
from harness.targets.target import TargetSpec

_EIGHT_BITS = Grid(-127, 127)


def simulated(
    checkpoint: Checkpoint,
    recipe: Recipe,
    target: TargetSpec,
    context_length: int,
    conversations: Sequence[Tensor],
) -> StaticDecoder:
    """A decoder that computes with a recipe's weights.

    Args:
        checkpoint: Float weights.
        recipe: Of the text decoder.
        target: Whose kernels multiply.
        context_length: Of the decoder.
        conversations: What it reads while its weights are found.
    """
    decoder = float_decoder(checkpoint, context_length)
    if recipe.rotates_hidden:
        turn_hidden_states(decoder)
    if not target.backend.is_htp:
        quantize_linears(decoder, recipe.text_decoder, recipe.weights, conversations)
        return decoder
    scheme = cast(WeightScheme, recipe.text_decoder)
    head: WeightScheme | None = "16a8w" if recipe.weights.head_bits == 8 else None
    schemes = layer_schemes(decoder, scheme, recipe.htp, (), head)
    grids = {
        path: _EIGHT_BITS for path, one in decoder.named_modules() if isinstance(one, nn.Linear)
    }
    grids |= weight_grids(decoder, schemes, recipe.htp)
    round_weights(decoder, grids, recipe.weights, conversations)
    return decoder
