"""Graphs of the HTP hold codes once, and nothing that these were made from."""

from __future__ import annotations

import gc
import weakref
from importlib import import_module

import pytest
import torch
from torch import Tensor, fx, nn
from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

from harness.export.htp.quantization import convert, copy_ranges, prepare, share_weights
from harness.export.htp.quantizer import make_quantizer

WIDTH = 16


class Layers(nn.Module):
    """Two products, a table and what lies between."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.register_buffer("table", torch.linspace(-1, 1, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """One after the other."""
        y: Tensor = self.second(torch.sigmoid(self.first(x)) * self.table)
        return y


@pytest.fixture(autouse=True)
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset, it would make ExecuTorch download an SDK, of which encodings need nothing."""
    monkeypatch.setenv("QNN_SDK_ROOT", "")
    torch.manual_seed(0)


def observed(module: nn.Module, rows: int) -> fx.GraphModule:
    inputs = (torch.linspace(-1, 1, rows * WIDTH).reshape(rows, WIDTH),)
    graph = prepare(module, inputs, make_quantizer("16a8w", "SM8650", block_size=1))
    graph(*inputs)
    return graph


def observers(graph: fx.GraphModule) -> list[tuple[str, str, str]]:
    """Of every observer its name, its kind and what it observes."""
    modules = dict(graph.named_modules())
    return [
        (str(node.target), type(modules[str(node.target)]).__name__, str(node.args))
        for node in graph.graph.nodes
        if node.op == "call_module"
    ]


def test_observers_are_named_as_by_searching() -> None:
    module, inputs = Layers().eval(), (torch.zeros(2, WIDTH),)
    graph = torch.export.export(module, inputs, strict=False).module(check_guards=False)
    searched = prepare_pt2e(graph, make_quantizer("16a8w", "SM8650", block_size=1))
    ours = prepare(module, inputs, make_quantizer("16a8w", "SM8650", block_size=1))
    assert observers(ours) == observers(searched) != []


def test_no_name_is_searched_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("torch.ao.quantization.fx.prepare")
    search, searched = module.get_new_attr_name_with_prefix, list[str]()

    def get_new_attr_name_with_prefix(prefix: str) -> object:
        searched.append(prefix)
        return search(prefix)

    monkeypatch.setattr(module, "get_new_attr_name_with_prefix", get_new_attr_name_with_prefix)
    observed(Layers().eval(), 2)
    assert searched == []
    graph = torch.export.export(Layers().eval(), (torch.zeros(2, WIDTH),)).module()
    prepare_pt2e(graph, make_quantizer("16a8w", "SM8650", block_size=1))
    assert searched


def test_a_converted_graph_holds_no_float_weights() -> None:
    module = Layers().eval()
    converted = convert(observed(module, 2))
    assert [name for name, one in converted.named_parameters() if one.ndim == 2] == []
    codes = [one for one in converted.buffers() if one.dtype == torch.int8 and one.ndim == 2]
    assert len(codes) == 2
    expected = module(torch.ones(2, WIDTH))
    assert torch.allclose(converted(torch.ones(2, WIDTH)), expected, atol=0.05)


def test_nobody_keeps_a_graph_that_was_converted() -> None:
    graph = observed(Layers().eval(), 2)
    weight = weakref.ref(graph.get_submodule("first").weight)
    convert(graph)
    del graph
    gc.collect()
    assert weight() is None


def test_graphs_of_one_module_share_codes() -> None:
    module = Layers().eval()
    first, second = observed(module, 2), observed(module, 3)
    copy_ranges(first, second)
    one, other = convert(first), convert(second)
    before = other(torch.ones(3, WIDTH))
    share_weights(one, other)
    shared = {
        name for name, mine in one.named_buffers() if mine is dict(other.named_buffers())[name]
    }
    assert shared == {name for name, _ in other.named_buffers()}
    assert torch.equal(other(torch.ones(3, WIDTH)), before)


def test_codes_that_differ_are_not_shared() -> None:
    one, other = (convert(observed(Layers().eval(), 2)) for _ in range(2))
    expected = other(torch.ones(2, WIDTH))
    share_weights(one, other)
    assert torch.equal(other(torch.ones(2, WIDTH)), expected)
