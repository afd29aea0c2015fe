"""A turned decoder answers as before, and nothing inside of it stands out as it did."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.backends.weight_recipe import WeightRecipe
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.float_cache import FloatCache
from harness.export.weights.grid import Grid
from harness.export.weights.rounding import round_weights
from harness.export.weights.turned_decoder import turn_hidden_states
from harness.vlm.registry import get_spec

CONTEXT, MASSIVE = 32, 5


def decoder(model: str) -> StaticDecoder:
    """Norms and biases as training leaves them, and one number that a layer makes massive."""
    torch.manual_seed(0)
    made = StaticDecoder(replace(get_spec(model).text, layers=2, vocab_size=64), CONTEXT).eval()
    with torch.no_grad():
        for module in made.modules():
            if isinstance(module, nn.RMSNorm):
                module.weight.uniform_(0.2, 3.0)
        down = made.get_submodule("layers.0.mlp.down_proj").get_parameter("weight")
        down[MASSIVE] *= 300
    return made


def rows(model: StaticDecoder) -> Tensor:
    size = (20, model.geometry.hidden_size)
    return torch.randn(size, generator=torch.Generator().manual_seed(1))


def read(model: StaticDecoder) -> Tensor:
    cache = FloatCache(model)
    return torch.cat([cache.step(model, part, 12) for part in torch.split(rows(model), 12)])


def largest_inside(model: StaticDecoder) -> float:
    """Of what leaves the first layer."""
    seen: list[Tensor] = []
    hook = model.layers[0].register_forward_hook(lambda _, inputs, outputs: seen.append(outputs[0]))
    read(model)
    hook.remove()
    return max(float(one.abs().max()) for one in seen)


@torch.no_grad()
@pytest.mark.parametrize("model", ["tiny_smolvlm", "tiny_internvl3"])
def test_hidden_states_are_turned_and_answers_stay(model: str) -> None:
    plain, turned = decoder(model), decoder(model)
    turn_hidden_states(turned)
    torch.testing.assert_close(read(turned), read(plain), rtol=1e-3, atol=1e-3)
    assert largest_inside(turned) < 0.4 * largest_inside(plain)
    norms = [one.weight for one in turned.modules() if isinstance(one, nn.RMSNorm)]
    assert all(torch.equal(weight, torch.ones_like(weight)) for weight in norms)


@torch.no_grad()
def test_weights_of_a_turned_decoder_are_found_on_what_it_reads() -> None:
    """What its attention mixes is what that of a plain one does."""
    mixed: list[Tensor] = []
    for turns in (False, True):
        model = decoder("tiny_smolvlm")
        if turns:
            turn_hidden_states(model)
        linear = model.get_submodule("layers.0.self_attn.o_proj")
        linear.register_forward_pre_hook(lambda _, inputs: mixed.append(inputs[0]))
        round_weights(
            model, {"layers.0.mlp.up_proj": Grid(-8, 7, 32)}, WeightRecipe(), [rows(model)]
        )
    assert len(mixed) == 2
    torch.testing.assert_close(*mixed, rtol=1e-3, atol=1e-4)
