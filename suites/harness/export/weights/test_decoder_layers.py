"""A decoder whose weights were found on what it reads answers more as the float one does."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.backends.weight_recipe import WeightRecipe
from harness.export.graphs.text_decoder import HEAD, StaticDecoder
from harness.export.htp.float_cache import FloatCache
from harness.export.weights.grid import Grid
from harness.export.weights.rounding import round_weights
from harness.vlm.registry import get_spec

TEXT = replace(get_spec("tiny_smolvlm").text, layers=2, vocab_size=64)
CONTEXT = 48
COARSE, FINE = Grid(-2, 1, 32), Grid(-127, 127)


def decoder() -> StaticDecoder:
    torch.manual_seed(0)
    return StaticDecoder(TEXT, CONTEXT).eval()


def conversations(seed: int) -> list[Tensor]:
    """Rows of which a few dimensions are far larger than the others, as in trained models."""
    generator = torch.Generator().manual_seed(seed)
    strength = torch.ones(TEXT.hidden_size)
    strength[::12] = 10
    mixing = torch.randn(24, TEXT.hidden_size, generator=torch.Generator().manual_seed(5))
    return [torch.randn(CONTEXT, 24, generator=generator) @ mixing / 5 * strength for _ in range(8)]


@torch.no_grad()
def logits(model: StaticDecoder, rows: Tensor) -> Tensor:
    return FloatCache(model).step(model, rows, len(rows))


def lost(recipe: WeightRecipe, samples: list[Tensor]) -> float:
    """Mean squared error of the logits of text that was not read before."""
    model = decoder()
    grids = {
        path: FINE if path == HEAD else COARSE
        for path, layer in model.named_modules()
        if isinstance(layer, nn.Linear)
    }
    found = round_weights(model, grids, recipe, samples)
    assert found.keys() == grids.keys()
    errors = [logits(model, rows) - logits(decoder(), rows) for rows in conversations(seed=2)]
    return float(torch.stack(errors).square().mean())


def test_each_way_gains_over_the_one_before_it() -> None:
    samples = conversations(seed=1)
    plain = lost(WeightRecipe(scales="largest"), [])
    weighed = lost(WeightRecipe(), samples)
    learned = lost(WeightRecipe(rounding="learned"), samples)
    assert learned < 0.9 * weighed < 0.8 * plain


def test_what_has_no_grid_keeps_its_weights() -> None:
    model, path = decoder(), "layers.1.mlp.up_proj"
    before = {name: value.clone() for name, value in model.state_dict().items()}
    round_weights(model, {path: COARSE}, WeightRecipe(rounding="learned"), conversations(seed=1))
    changed = {name for name, value in model.state_dict().items() if not value.equal(before[name])}
    assert changed == {f"{path}.weight"}


def test_a_decoder_has_the_values_of_its_codes() -> None:
    model, path = decoder(), "layers.0.mlp.down_proj"
    found = round_weights(model, {path: COARSE}, WeightRecipe(), conversations(seed=1))[path]
    assert torch.equal(model.get_submodule(path).get_parameter("weight"), found.values)


@pytest.mark.parametrize("scales", ["searched", "largest"])
def test_linears_on_one_input_may_have_grids_of_their_own(scales: str) -> None:
    model = decoder()
    grids = {"layers.0.self_attn.q_proj": COARSE, "layers.0.self_attn.v_proj": Grid(-7, 7)}
    recipe = WeightRecipe.model_validate({"scales": scales})
    found = round_weights(model, grids, recipe, conversations(seed=1))
    assert {path: one.grid for path, one in found.items()} == grids


@pytest.mark.parametrize("rounding", ["nearest", "learned"])
def test_every_weight_has_memory_of_its_own(rounding: str) -> None:
    """A backend writes all of the memory that a tensor is in."""
    model = decoder()
    grids = {f"layers.0.self_attn.{one}_proj": COARSE for one in "qkv"}
    recipe = WeightRecipe.model_validate({"rounding": rounding})
    for one in round_weights(model, grids, recipe, conversations(seed=1)).values():
        for tensor in (one.codes, one.scales):
            assert tensor.is_contiguous()
            assert tensor.untyped_storage().nbytes() == tensor.nbytes
