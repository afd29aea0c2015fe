"""A decoder written as XNNPACK takes it says what it said before."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.backends.weight_recipe import WeightRecipe
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.weights.turned_decoder import turn_hidden_states
from harness.export.worker.linear_weights import quantize_linears
from harness.export.worker.modules import as_xnnpack_takes_it
from harness.vlm.spec import TextGeometry

LLAMA = TextGeometry(
    hidden_size=64,
    intermediate_size=96,
    layers=2,
    heads=6,
    kv_heads=2,
    head_dim=16,
    vocab_size=40,
    rope_theta=10_000.0,
    rms_norm_eps=1e-5,
    qkv_bias=False,
)
QWEN = replace(LLAMA, qkv_bias=True, heads=4, kv_heads=1)
CONTEXT = 24


def made(geometry: TextGeometry) -> StaticDecoder:
    torch.manual_seed(0)
    decoder = StaticDecoder(geometry, CONTEXT)
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=0.3)
    return decoder.eval()


def answers(decoder: StaticDecoder, ar: int) -> tuple[Tensor, ...]:
    torch.manual_seed(1)
    hidden, mask, positions, *caches = decoder.example_inputs(ar)
    caches = [torch.randn_like(cache) for cache in caches]
    with torch.no_grad():
        found: tuple[Tensor, ...] = decoder(
            torch.randn_like(hidden), torch.zeros_like(mask), positions + 3, *caches
        )
    return found


@pytest.mark.parametrize("geometry", [LLAMA, QWEN], ids=["llama", "qwen"])
@pytest.mark.parametrize("ar", [1, 5])
@pytest.mark.parametrize("precision", ["fp32", "8da4w", "8da8w"])
def test_logits_and_caches_are_the_same(geometry: TextGeometry, ar: int, precision: str) -> None:
    decoder = made(geometry)
    if precision != "fp32":
        quantize_linears(decoder, precision, WeightRecipe())  # type: ignore[arg-type]
    before = answers(decoder, ar)
    after = answers(as_xnnpack_takes_it(copy.deepcopy(decoder)), ar)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other)


def test_what_reads_one_tensor_is_one_linear() -> None:
    decoder = as_xnnpack_takes_it(made(LLAMA))
    linears = [one for one in decoder.modules() if isinstance(one, nn.Linear)]
    assert len(linears) == 4 * LLAMA.layers + 1
    assert not any(isinstance(one, nn.RMSNorm) for one in decoder.modules())


@pytest.mark.parametrize("geometry", [LLAMA, QWEN], ids=["llama", "qwen"])
def test_a_turned_decoder_says_the_same_and_enters_in_floats(geometry: TextGeometry) -> None:
    decoder = made(geometry)
    before = answers(decoder, ar=5)[0]
    turn_hidden_states(decoder)
    quantize_linears(decoder, "8da8w", WeightRecipe())
    changed = as_xnnpack_takes_it(decoder)
    after = answers(changed, ar=5)[0]
    assert float((after - before).norm() / before.norm()) < 0.05
    assert isinstance(changed.entry, nn.Linear)
    assert type(changed.entry.weight) is nn.Parameter
