"""Linears of a component on the values that XNNPACK's kernels can multiply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from harness.backends import xnnpack
from harness.backends.weight_recipe import WeightRecipe
from harness.errors import UserError
from harness.export.graphs.text_decoder import HEAD
from harness.export.weights.grid import Grid, QuantizedWeight
from harness.export.weights.rounding import round_weights
from harness.export.weights.turned_decoder import ENTRY
from harness.vocabulary import Precision

_GRIDS = {
    4: Grid(-8, 7, xnnpack.GROUP_SIZE, "bfloat16"),
    8: Grid(-127, 127),
}
"""By bits of a weight."""


def quantize_linears(
    module: nn.Module,
    precision: Precision,
    recipe: WeightRecipe,
    conversations: Sequence[Tensor] = (),
    *,
    is_meant: Callable[[nn.Module, str], bool] = lambda linear, path: True,
) -> None:
    """Give every linear codes for weights, and int8 activations that are quantized at run time.

    Convolutions (the patch embedding) and what turns what enters a decoder stay float32.

    Args:
        module: Changed in place.
        precision: ``8da4w`` or ``8da8w``.
        recipe: Details of 4-bit weights.
        conversations: What a decoder learns on, rows of it ``[tokens, hidden]`` each.
        is_meant: Whether a linear, given with its path, is one of those.

    Raises:
        UserError: If a linear's inputs do not divide into whole groups.
    """
    linears = {
        path: one
        for path, one in module.named_modules()
        if isinstance(one, nn.Linear) and path != ENTRY and is_meant(one, path)
    }
    grids = _grids(linears, precision, recipe)
    for path, quantized in round_weights(module, grids, recipe, conversations).items():
        owner, _, name = path.rpartition(".")
        linear = module.get_submodule(owner).get_submodule(name)
        linear.weight = nn.Parameter(_weight_of(quantized), requires_grad=False)


def _grids(
    linears: Mapping[str, nn.Linear], precision: Precision, recipe: WeightRecipe
) -> dict[str, Grid]:
    bits = dict.fromkeys(linears, 8 if precision == "8da8w" else 4)
    if HEAD in bits and recipe.head_bits == 8:
        bits[HEAD] = 8
    for path, linear in linears.items():
        if bits[path] == 4 and linear.in_features % xnnpack.GROUP_SIZE:
            raise UserError(
                f"{path} has {linear.in_features} inputs, not a multiple of the "
                f"{xnnpack.GROUP_SIZE} that {precision} groups; export this component with "
                "--precision 8da8w or fp32."
            )
    return {path: _GRIDS[one] for path, one in bits.items()}


def _weight_of(quantized: QuantizedWeight) -> Tensor:
    """A weight as ``torch.export`` writes it and XNNPACK's partitioner takes it."""
    from torchao.quantization import IntxUnpackedToInt8Tensor

    outputs, blocks = quantized.scales.shape
    weight: Tensor = IntxUnpackedToInt8Tensor(
        quantized.codes,
        quantized.scales,
        torch.zeros(outputs, blocks, dtype=torch.int8),
        target_dtype=torch.int4 if quantized.grid.block_size else torch.int8,  # type: ignore[attr-defined]  # torch 2.13 has no stub for it
        block_size=(1, quantized.codes.shape[1] // blocks),
        dtype=torch.float32,
        activation_quantization="int8_asym_per_token",
    )
    return weight
