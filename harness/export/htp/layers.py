"""Which layer of a component gets which weights."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import nn

from harness.backends.qnn.recipe import HtpRecipe, LayerOverride, WeightScheme
from harness.errors import UserError


def layer_schemes(
    module: nn.Module, scheme: WeightScheme, htp: HtpRecipe, overrides: Sequence[LayerOverride]
) -> dict[str, WeightScheme]:
    """Find the weight scheme of every convolution.

    The convolution that embeds a picture's patches has three inputs, which make no block: where
    it would get blocks, it gets 8 bits per output channel.

    Args:
        module: The component, linears turned into 1x1 convolutions.
        scheme: Of layers that nothing else is said about.
        htp: Size of a block.
        overrides: Of this component, in order.

    Returns:
        Scheme by the convolution's path in the module.

    Raises:
        UserError: If an override finds no layer, or a layer's inputs make no whole blocks.
    """
    layers = {path: layer for path, layer in module.named_modules() if isinstance(layer, nn.Conv2d)}
    found = dict.fromkeys(layers, scheme)
    for override in overrides:
        matching = [path for path in layers if re.search(override.pattern, _layer_path(path))]
        if not matching:
            raise UserError(
                f"Override {override.pattern!r} of the recipe finds none of the {len(layers)} "
                f"layers of the {override.component}, such as {_layer_path(next(iter(layers)))}; "
                "correct its pattern."
            )
        found.update(dict.fromkeys(matching, override.scheme))
    return {path: _with_blocks(path, layers[path], found[path], htp) for path in layers}


def _layer_path(path: str) -> str:
    """Path of the linear that a convolution was."""
    return path.removesuffix(".conv")


def _with_blocks(path: str, layer: nn.Conv2d, scheme: WeightScheme, htp: HtpRecipe) -> WeightScheme:
    if scheme != "16a4w_block":
        return scheme
    if layer.kernel_size != (1, 1):
        return "16a8w"
    # The weights tell: ExecuTorch's conversion of linears sets in_channels to their outputs.
    inputs = layer.weight.shape[1]
    if inputs % htp.block_size:
        raise UserError(
            f"{_layer_path(path)} has {inputs} inputs, which make no whole blocks of "
            f"{htp.block_size}; give a --recipe with another block_size in [htp]."
        )
    return scheme
