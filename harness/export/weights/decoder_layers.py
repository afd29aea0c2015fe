"""Weights of a decoder's layers, rounded by what enters them when the decoder reads samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from harness.backends.weight_recipe import WeightRecipe
from harness.export.graphs.text_decoder import StaticDecoder, StaticDecoderLayer
from harness.export.weights.gptq import compensated
from harness.export.weights.grid import Grid, QuantizedWeight, rounded
from harness.export.weights.scale_search import search_scales

_ON_ONE_INPUT = (
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    ("self_attn.o_proj",),
    ("mlp.gate_proj", "mlp.up_proj"),
    ("mlp.down_proj",),
)
"""Linears of a decoder layer that read the same tensor."""


@torch.no_grad()
def round_layers(
    decoder: StaticDecoder,
    grids: Mapping[str, Grid],
    recipe: WeightRecipe,
    conversations: Sequence[Tensor],
) -> dict[str, QuantizedWeight]:
    """Quantize a decoder's layers one after the other, and give the decoder their values.

    Learned codes make up for what the layers before them have lost as well, for they see what these
    make of the samples once they are quantized. Only one layer's moments are alive at a time.

    Args:
        decoder: Its linears in ``grids`` are changed in place.
        grids: By path of a linear, ``layers.0.mlp.down_proj``; what has none stays as it is.
        recipe: How scales and codes are found.
        conversations: Rows that enter the decoder, float32 ``[tokens, hidden]`` each.
    """
    states = [decoder.entry(rows[None]) for rows in conversations]
    found: dict[str, QuantizedWeight] = {}
    for index, layer in enumerate(decoder.layers):
        assert isinstance(layer, StaticDecoderLayer)
        learns = recipe.rounding == "learned"
        moments, ahead = _watched(decoder, layer, states, whole=learns)
        for paths in _ON_ONE_INPUT:
            for grid, same in _by_grid(paths, f"layers.{index}.", grids).items():
                linears = [layer.get_submodule(path) for path in same]
                rounded_ones = _round(linears, grid, recipe, moments[paths[0]])
                names = [f"layers.{index}.{path}" for path in same]
                found.update(zip(names, rounded_ones, strict=True))
        states = [_advance(decoder, layer, state) for state in states] if learns else ahead
    return found


def _by_grid(paths: Sequence[str], prefix: str, grids: Mapping[str, Grid]) -> dict[Grid, list[str]]:
    """Paths that are rounded to the same grid, those without one left out."""
    found: dict[Grid, list[str]] = {}
    for path in paths:
        if (grid := grids.get(prefix + path)) is not None:
            found.setdefault(grid, []).append(path)
    return found


def _round(
    linears: Sequence[nn.Module], grid: Grid, recipe: WeightRecipe, moments: Tensor
) -> list[QuantizedWeight]:
    """Round linears on one input together: their columns are the same.

    Args:
        linears: Changed in place.
        grid: Of all of them.
        recipe: How scales and codes are found.
        moments: Second moments of the input, ``[inputs, inputs]`` or their diagonal.
    """
    weights = [linear.get_parameter("weight") for linear in linears]
    stacked = torch.cat([weight.detach() for weight in weights])
    importance = moments.diagonal() if moments.ndim == 2 else moments
    searched = recipe.scales == "searched"
    scales = search_scales(stacked, grid, importance) if searched else grid.largest(stacked)
    if recipe.rounding == "learned":
        together = compensated(stacked, scales, grid, moments)
    else:
        together = rounded(stacked, scales, grid)
    outputs = [len(weight) for weight in weights]
    parts = zip(torch.split(together.codes, outputs), torch.split(scales, outputs), strict=True)
    # Backends write a tensor's whole memory, which parts would share.
    found = [QuantizedWeight(codes.clone(), own.clone(), grid) for codes, own in parts]
    for weight, one in zip(weights, found, strict=True):
        weight.copy_(one.values)
    return found


def _watched(
    decoder: StaticDecoder, layer: StaticDecoderLayer, states: Sequence[Tensor], *, whole: bool
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """Second moments of what enters a layer's linears, and what leaves the layer.

    Args:
        decoder: The layer's.
        layer: As it is, in float.
        states: What enters the layer in each conversation.
        whole: Whether moments of pairs of inputs are wanted too, or each input's own alone.

    Returns:
        Moments by the path of the first linear on each input, and one state per conversation.
    """
    sums: dict[str, Tensor] = {}

    def watch(path: str, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rows = inputs[0].reshape(-1, inputs[0].shape[-1])
        moments = rows.T @ rows if whole else rows.square().sum(dim=0)
        sums[path] = sums[path] + moments if path in sums else moments

    hooks = [
        layer.get_submodule(path).register_forward_pre_hook(partial(watch, path))
        for path, *_ in _ON_ONE_INPUT
    ]
    ahead = [_advance(decoder, layer, state) for state in states]
    for hook in hooks:
        hook.remove()
    tokens = sum(state.shape[1] for state in states)
    return {path: total / tokens for path, total in sums.items()}, ahead


def _advance(decoder: StaticDecoder, layer: StaticDecoderLayer, state: Tensor) -> Tensor:
    """A conversation behind a layer: all of its tokens in one call, nothing in the cache."""
    geometry, tokens = decoder.geometry, state.shape[1]
    mask = torch.triu(torch.full((tokens, tokens), decoder.masked), diagonal=1)[None, None]
    keys = torch.empty(1, geometry.kv_heads, geometry.head_dim, 0)
    cos, sin = decoder.cos[:tokens], decoder.sin[:tokens]
    behind: Tensor = layer(state, cos, sin, mask, keys, keys.transpose(2, 3))[0]
    return behind
