"""Which numbers of an HTP graph get which width, and which layer which weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from torch import nn

from harness.backends.qnn.recipe import HtpRecipe, LayerOverride, WeightScheme
from harness.errors import UserError
from harness.export.graphs.text_decoder import HEAD
from harness.export.weights.grid import Grid

if TYPE_CHECKING:
    from executorch.backends.qualcomm.quantizer.quant_recipe import QuantRecipe
    from torchao.quantization.pt2e.quantizer import Quantizer


_DTYPES = {"16a8w": "use_16a8w", "16a4w": "use_16a4w", "16a4w_block": "use_16a4w_block"}
_PIECE = re.compile(r"\.piece\d+$")
_ABOVE_OPERATORS = 2
"""Priority of a layer's own scheme; one for all operators of a kind has 1 in upstream's recipe."""


def make_quantizer(
    scheme: WeightScheme,
    soc: str,
    *,
    block_size: int,
    kv_bits: Literal[8, 16] | None = None,
    layers: Mapping[str, WeightScheme] | None = None,
) -> Quantizer:
    """Make the quantizer of one component.

    Activations are affine 16-bit per tensor, observed by minimum and maximum: a moving average
    would forget, and a cache that starts empty would ruin it. Weights of linears and convolutions
    follow the scheme; weights in blocks are for 1x1 convolutions only.

    Args:
        scheme: Of weights that nothing else is said about.
        soc: SoC that the graph is for.
        block_size: Inputs that share one scale in ``16a4w_block``.
        kv_bits: 8 keeps K and V in 8 bits up to the cache; None for a graph without a cache.
        layers: Scheme of single convolutions, by their path in the module.
    """
    from executorch.backends.qualcomm.quantizer.custom_annotation import annotate_kv_8bit
    from executorch.backends.qualcomm.quantizer.quantizer import QnnQuantizer
    from executorch.backends.qualcomm.serialization.qc_schema import (
        QcomChipset,
        QnnExecuTorchBackendType,
    )

    recipe = _recipe(scheme, block_size, layers or {})
    if kv_bits == 8:
        recipe.custom_quant_annotations = [annotate_kv_8bit]
    quantizer: Quantizer = QnnQuantizer(
        backend=QnnExecuTorchBackendType.kHtpBackend, soc_model=QcomChipset[soc]
    )
    quantizer.set_recipe(recipe)
    return quantizer


def _recipe(
    scheme: WeightScheme, block_size: int, layers: Mapping[str, WeightScheme]
) -> QuantRecipe:
    import torch
    from executorch.backends.qualcomm.quantizer.quant_recipe import QuantGranularity, QuantRecipe
    from executorch.backends.qualcomm.quantizer.quantizer import QuantDtype
    from torchao.quantization.pt2e import MinMaxObserver

    recipe = QuantRecipe(
        QuantDtype.use_16a8w,
        False,
        act_observer=MinMaxObserver,
        granularity=QuantGranularity.PER_TENSOR,
    )
    convolutions = {torch.ops.aten.conv2d.default}
    both = {*convolutions, torch.ops.aten.linear.default}
    targets = convolutions if scheme == "16a4w_block" else both
    recipe.add_node_target(targets, **_weights(scheme, block_size))
    for path, own in layers.items():
        exactly = rf"^{re.escape(path)}$"
        recipe.add_regex({exactly}, priority=_ABOVE_OPERATORS, **_weights(own, block_size))
    return recipe


def _weights(scheme: WeightScheme, block_size: int) -> dict[str, object]:
    """A scheme in upstream's words."""
    from executorch.backends.qualcomm.quantizer.quant_recipe import QuantGranularity
    from executorch.backends.qualcomm.quantizer.quantizer import QuantDtype
    from torchao.quantization.pt2e import MinMaxObserver

    per_block = scheme == "16a4w_block"
    return {
        "quant_dtype": getattr(QuantDtype, _DTYPES[scheme]),
        "is_qat": False,
        "act_observer": MinMaxObserver,
        "granularity": QuantGranularity.PER_BLOCK if per_block else QuantGranularity.PER_CHANNEL,
        "extra_kwargs": {"block_size": (1, block_size, 1, 1)} if per_block else {},
    }


def layer_schemes(
    module: nn.Module,
    scheme: WeightScheme,
    htp: HtpRecipe,
    overrides: Sequence[LayerOverride],
    head: WeightScheme | None = None,
) -> dict[str, WeightScheme]:
    """Find the weight scheme of every linear and convolution.

    The convolution that embeds a picture's patches has three inputs, which make no block: where
    it would get blocks, it gets 8 bits per output channel.

    Args:
        module: The component, linears turned into 1x1 convolutions or not.
        scheme: Of layers that nothing else is said about.
        htp: Size of a block.
        overrides: Of this component, in order.
        head: Of the layer that makes logits, where no override finds it.

    Returns:
        Scheme by the layer's path in the module.

    Raises:
        UserError: If an override finds no layer, or a layer's inputs make no whole blocks.
    """
    layers = {
        path: layer
        for path, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    }
    found = dict.fromkeys(layers, scheme)
    if head is not None:
        found.update({path: head for path in layers if layer_path(path) == HEAD})
    for override in overrides:
        matching = [path for path in layers if re.search(override.pattern, _whole_path(path))]
        if not matching:
            raise UserError(
                f"Override {override.pattern!r} of the recipe finds none of the {len(layers)} "
                f"layers of the {override.component}, such as {layer_path(next(iter(layers)))}; "
                "correct its pattern."
            )
        found.update(dict.fromkeys(matching, override.scheme))
    return {path: _with_blocks(path, layers[path], found[path], htp) for path in layers}


def weight_grids(
    module: nn.Module, schemes: Mapping[str, WeightScheme], htp: HtpRecipe
) -> dict[str, Grid]:
    """What the weights of 4-bit linears are rounded to, by path.

    Upstream leaves out the code -8, which has no counterpart.

    Args:
        module: The component, its linears not yet convolutions.
        schemes: Of its layers, by path.
        htp: Size of a block.
    """
    grids = {"16a4w": Grid(-7, 7), "16a4w_block": Grid(-7, 7, htp.block_size, "sixteenths")}
    return {
        path: grids[schemes[path]]
        for path, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and schemes[path] in grids
    }


def layer_path(path: str) -> str:
    """Path of the linear that a convolution was."""
    return path.removesuffix(".conv")


def _whole_path(path: str) -> str:
    """Path that a recipe knows a layer by, whose pieces may be layers of the graph."""
    return _PIECE.sub("", layer_path(path))


def _with_blocks(
    path: str, layer: nn.Conv2d | nn.Linear, scheme: WeightScheme, htp: HtpRecipe
) -> WeightScheme:
    if scheme != "16a4w_block":
        return scheme
    if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1):
        return "16a8w"
    # The weights tell: ExecuTorch's conversion of linears sets in_channels to their outputs.
    inputs = layer.weight.shape[1]
    if inputs % htp.block_size:
        raise UserError(
            f"{layer_path(path)} has {inputs} inputs, which make no whole blocks of "
            f"{htp.block_size}; give a --recipe with another block_size in [htp]."
        )
    return scheme
