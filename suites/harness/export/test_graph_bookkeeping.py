"""Graphs compute what they say, with or without torch's bookkeeping."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, fx, nn
from torch.fx.traceback import NodeSource

from harness.export.graphs.bookkeeping import without_graph_bookkeeping


class Sum(nn.Module):
    """A small graph."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


def exported() -> fx.GraphModule:
    program = torch.export.export(Sum(), (torch.ones(2), torch.ones(2)), strict=False)
    return program.module(check_guards=False)


def make_it_a_product(graph_module: fx.GraphModule) -> None:
    (node,) = (node for node in graph_module.graph.nodes if node.op == "call_function")
    node.target = torch.ops.aten.mul.Tensor
    graph_module.recompile()


def test_a_changed_graph_computes_what_it_says_now() -> None:
    with without_graph_bookkeeping():
        graph_module = exported()
        assert graph_module(torch.tensor(3.0).expand(2), torch.tensor(4.0).expand(2))[0] == 7
        make_it_a_product(graph_module)
        assert graph_module(torch.tensor(3.0).expand(2), torch.tensor(4.0).expand(2))[0] == 12


def test_a_graph_that_leaves_unread_is_whole() -> None:
    with without_graph_bookkeeping():
        graph_module = exported()
        make_it_a_product(graph_module)
        twin = copy.deepcopy(graph_module)
    for one in (graph_module, twin):
        assert one(torch.tensor(3.0).expand(2), torch.tensor(4.0).expand(2))[0] == 12


def test_histories_are_shared_instead_of_copied() -> None:
    history = [NodeSource(None, "a pass")]
    with without_graph_bookkeeping():
        assert copy.deepcopy(history)[0] is history[0]
    assert copy.deepcopy(history)[0] is not history[0]


def test_torch_is_left_as_it_was() -> None:
    before = fx.GraphModule.recompile
    with pytest.raises(ZeroDivisionError), without_graph_bookkeeping():
        raise ZeroDivisionError
    assert fx.GraphModule.recompile is before
    assert "aten.add" in exported().code
