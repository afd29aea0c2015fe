"""Weights of a whole module on the values of their grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from harness.backends.weight_recipe import WeightRecipe
from harness.export.graphs.text_decoder import HEAD, StaticDecoder
from harness.export.weights.decoder_layers import round_layers
from harness.export.weights.grid import Grid, QuantizedWeight, rounded
from harness.export.weights.scale_search import search_scales

_FEW_CODES = 15
"""With more, the largest scale is as good as a searched one."""


@torch.no_grad()
def round_weights(
    module: nn.Module,
    grids: Mapping[str, Grid],
    recipe: WeightRecipe,
    conversations: Sequence[Tensor] = (),
) -> dict[str, QuantizedWeight]:
    """Quantize linears, and give them the values of their codes.

    Args:
        module: Its linears in ``grids`` are changed in place.
        grids: By path of a linear; what has none stays as it is.
        recipe: How scales and codes are found.
        conversations: What a decoder reads, by which errors in its layers are weighed: rows that
            enter it, float32 ``[tokens, hidden]`` each. Without any, all inputs count alike.
    """
    found: dict[str, QuantizedWeight] = {}
    if conversations and isinstance(module, StaticDecoder):
        few = {path: grid for path, grid in grids.items() if path != HEAD and _is_coarse(grid)}
        found = round_layers(module, few, recipe, conversations) if few else {}
    for path, grid in grids.items():
        if path not in found:
            weight = module.get_submodule(path).get_parameter("weight")
            searched = recipe.scales == "searched" and _is_coarse(grid)
            scales = search_scales(weight, grid) if searched else grid.largest(weight)
            found[path] = rounded(weight, scales, grid)
            weight.copy_(found[path].values)
    return found


def _is_coarse(grid: Grid) -> bool:
    return grid.code_max <= _FEW_CODES
