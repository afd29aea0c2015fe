"""Codes that were found before a graph is traced are those that the graph has."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.backends.qnn.recipe import HtpRecipe, WeightScheme
from harness.backends.weight_recipe import WeightRecipe
from harness.export.graphs.text_decoder import StaticDecoder
from harness.export.htp.float_cache import FloatCache
from harness.export.htp.modules import (
    HtpAttention,
    linears_to_convolutions,
    turn_keys,
)
from harness.export.htp.quantization import convert, prepare
from harness.export.htp.quantizer import layer_schemes, make_quantizer, weight_grids
from harness.export.weights.rounding import round_weights
from harness.vlm.registry import get_spec

TEXT = replace(get_spec("tiny_smolvlm").text, layers=1, vocab_size=32)
CONTEXT, AR = 16, 8


def decoder() -> StaticDecoder:
    torch.manual_seed(0)
    return StaticDecoder(TEXT, CONTEXT, HtpAttention).eval()


def rows(count: int) -> Tensor:
    return torch.randn(count, TEXT.hidden_size, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
@pytest.mark.parametrize("scheme", ["16a4w", "16a4w_block"])
@pytest.mark.parametrize("rounding", ["nearest", "learned"])
def test_a_graph_has_the_weights_that_were_found(
    scheme: WeightScheme, rounding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Unset, it would make ExecuTorch download an SDK, of which encodings need nothing.
    monkeypatch.setenv("QNN_SDK_ROOT", "")
    model, htp = decoder(), HtpRecipe(block_size=16)
    schemes = layer_schemes(model, scheme, htp, (), "16a8w")
    recipe = WeightRecipe.model_validate({"rounding": rounding})
    found = round_weights(model, weight_grids(model, schemes, htp), recipe, [rows(12)])
    assert "lm_head" not in found
    convolved = linears_to_convolutions(model)
    quantizer = make_quantizer(
        scheme, "SM8650", block_size=16, kv_bits=16, layers={"lm_head.conv": "16a8w"}
    )
    inputs = model.example_inputs(AR)
    prepared = prepare(convolved, inputs, quantizer, found)
    prepared(rows(AR)[None], *inputs[1:])
    in_graph = _weights(convert(prepared))
    for path, one in found.items():
        same_shape = [weight for weight in in_graph if weight.shape == one.values.shape]
        off = min(float((weight - one.values).abs().max()) for weight in same_shape)
        assert off < 1e-6, path


def _weights(graph: torch.fx.GraphModule) -> list[Tensor]:
    """Weights that a converted graph's convolutions compute with, ``[outputs, inputs]``."""
    found: list[Tensor] = []

    class Watch(torch.fx.Interpreter):
        def run_node(self, node: torch.fx.Node) -> object:
            if node.target == torch.ops.aten.conv2d.default:
                weight = self.env[node.args[1]]
                assert isinstance(weight, Tensor)
                found.append(weight.flatten(1))
            return super().run_node(node)

    Watch(graph, garbage_collect_values=False).run(*decoder().example_inputs(AR))
    return found


@torch.no_grad()
def test_turned_keys_change_no_answer_and_spread_what_sticks_out() -> None:
    plain, turned = decoder(), decoder()
    for model in (plain, turned):
        projection = model.layers[0].get_submodule("self_attn.k_proj")
        assert isinstance(projection, nn.Linear)
        projection.weight[3] *= 30
    turn_keys(turned)
    steps = [FloatCache(model).step(model, rows(12), 12) for model in (plain, turned)]
    torch.testing.assert_close(*steps, rtol=1e-3, atol=1e-4)
    inputs = (rows(AR)[None], *plain.example_inputs(AR)[1:])
    widest = [float(model(*inputs)[1].abs().max()) for model in (plain, turned)]
    assert widest[1] < 0.6 * widest[0]
