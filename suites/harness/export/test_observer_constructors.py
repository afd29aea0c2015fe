"""Observers are made without copying the graph that they are put into."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn
from torchao.quantization.pt2e import MinMaxObserver
from torchao.quantization.pt2e.quantize_pt2e import prepare_pt2e

from harness.export.htp.observers import uncopied_constructors
from harness.export.htp.quantization import convert, prepare
from harness.export.htp.quantizer import make_quantizer


class Concatenations(nn.Module):
    """Each with an observer that refers to the graph."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(x)
        for _ in range(self.count):
            x = torch.cat([x, 3 * x], dim=0)
        return x


@pytest.fixture(autouse=True)
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset, it would make ExecuTorch download an SDK, of which encodings need nothing."""
    monkeypatch.setenv("QNN_SDK_ROOT", "")
    torch.manual_seed(0)


def encodings(prepared: fx.GraphModule) -> list[tuple[object, ...]]:
    prepared(torch.linspace(-1, 1, 8).reshape(2, 4))
    nodes = convert(prepared).graph.nodes
    return [node.args[1:] for node in nodes if "quantize_per_tensor" in str(node.target)]


def test_encodings_are_those_of_copied_constructors() -> None:
    module, inputs = Concatenations(2).eval(), (torch.zeros(2, 4),)
    graph = torch.export.export(module, inputs, strict=False).module(check_guards=False)
    copied = prepare_pt2e(graph, make_quantizer("16a8w", "SM8650", block_size=1))
    ours = prepare(module, inputs, make_quantizer("16a8w", "SM8650", block_size=1))
    assert encodings(ours) == encodings(copied) != []


def test_no_concatenation_has_its_graph_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    copy_graph, copies = fx.Graph.__deepcopy__, 0

    def count(graph: fx.Graph, memo: dict[int, Any] | None = None) -> fx.Graph:
        nonlocal copies
        copies += 1
        return copy_graph(graph, memo)

    monkeypatch.setattr(fx.Graph, "__deepcopy__", count)
    taken = []
    for concatenations in (1, 4):
        copies, inputs = 0, (torch.zeros(2, 4),)
        module = Concatenations(concatenations).eval()
        prepare(module, inputs, make_quantizer("16a8w", "SM8650", block_size=1))
        taken.append(copies)
    assert taken[0] == taken[1]


def test_constructors_are_copied_again_behind_it() -> None:
    constructor = MinMaxObserver.with_args(eps=1e-3)
    with uncopied_constructors():
        assert copy.deepcopy(constructor) is constructor
    assert copy.deepcopy(constructor) is not constructor
