"""Passes that are asked beforehand write the same program, and are run where they change one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from executorch.exir.pass_base import ExportPass
from executorch.exir.passes.normalize_transpose_pass import NormalizeTransposePass
from torch import Tensor, nn
from torch.fx import GraphModule

from harness.backends.asked_passes import with_asked_passes
from harness.backends.xnnpack import lower_to_pte

ASKED = {
    "MemoryFormatOpsPass",
    "NormalizeTransposePass",
    "RemoveMixedTypeOperators",
    "ReplaceBrokenOpsWithFunctionalOpsPass",
    "ScalarToTensorPass",
    "SymToTensorPass",
}


class Plain(nn.Module):
    """Nothing for any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        """One product, and lists of rows beside each other."""
        y: Tensor = torch.cat([self.linear(x), x], dim=-1).reshape(2, 2, 8)
        return torch.sigmoid(y.permute(1, 0, 2))


class Mixed(nn.Module):
    """Operands of two types."""

    def forward(self, x: Tensor) -> Tensor:
        """A product with whole numbers."""
        return x * x.to(torch.int32)


class Scaled(nn.Module):
    """An operand that is a number."""

    def forward(self, x: Tensor) -> Tensor:
        """Twice the input and one."""
        return 2 * x + 1


class Copied(nn.Module):
    """What states a layout of memory."""

    def forward(self, x: Tensor) -> Tensor:
        """A copy of the input, turned."""
        return x.t().clone(memory_format=torch.contiguous_format)


RUN = {
    Plain: set[str](),
    Mixed: {"RemoveMixedTypeOperators", "MemoryFormatOpsPass"},
    # From then on a constant stands in the graph, of which nobody is asked.
    Scaled: {
        "ScalarToTensorPass",
        "SymToTensorPass",
        "RemoveMixedTypeOperators",
        "MemoryFormatOpsPass",
    },
    Copied: {"MemoryFormatOpsPass"},
}
"""Which of them change something."""


def lowered(module: nn.Module, path: Path) -> bytes:
    program = torch.export.export(module, (torch.ones(2, 8),))
    with path.open("wb") as file:
        lower_to_pte({"forward": program}, {}, plan_io_memory=True, output=file)
    return path.read_bytes()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of passes that traced a graph."""
    trace, names = ExportPass.call_submodule, list[str]()

    def call_submodule(self: ExportPass, *arguments: object) -> object:
        names.append(type(self).__name__)
        return trace(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ExportPass, "call_submodule", call_submodule)
    return names


@pytest.mark.usefixtures("no_numbers_of_operators")
@pytest.mark.parametrize("kind", RUN)
def test_the_program_is_the_same(kind: type[nn.Module], tmp_path: Path, told: list[str]) -> None:
    torch.manual_seed(0)
    module = kind().eval()
    plain = lowered(module, tmp_path / "plain.pte")
    assert set(told) >= ASKED
    told.clear()
    with with_asked_passes():
        assert lowered(module, tmp_path / "asked.pte") == plain
    assert ASKED & set(told) == RUN[kind]
    told.clear()
    assert lowered(module, tmp_path / "afterwards.pte") == plain
    assert set(told) >= ASKED


def traced() -> GraphModule:
    graph = torch.export.export(Plain().eval(), (torch.ones(2, 8),)).graph_module
    return ExportPass()(graph).graph_module


def test_a_graph_that_was_changed_since_is_traced(told: list[str]) -> None:
    with with_asked_passes():
        graph = traced()
        told.clear()
        assert NormalizeTransposePass()(graph).graph_module is graph
        (product,) = (node for node in graph.graph.nodes if "sigmoid" in str(node.target))
        product.target = torch.ops.aten.gt.Scalar
        product.args = (product.args[0], 0)
        changed = NormalizeTransposePass()(graph).graph_module
    assert told == ["NormalizeTransposePass"]
    (compared,) = (node for node in changed.graph.nodes if "gt" in str(node.target))
    assert compared.meta["val"].dtype == torch.bool


def test_a_graph_that_nobody_traced_is_traced(told: list[str]) -> None:
    graph = traced()
    told.clear()
    with with_asked_passes():
        assert NormalizeTransposePass()(graph).graph_module is not graph
    assert told == ["NormalizeTransposePass"]


class Notes(NormalizeTransposePass):
    """Writes what is there, and notes something beside it."""

    def call_operator(self, op, args, kwargs, meta):  # type: ignore[no-untyped-def]
        """Note that the operator was seen."""
        meta["seen"] = True
        return super().call_operator(op, args, kwargs, meta)


class Doubles(NormalizeTransposePass):
    """Writes one operator twice."""

    def call_operator(self, op, args, kwargs, meta):  # type: ignore[no-untyped-def]
        """Write it, and again."""
        super().call_operator(op, args, kwargs, meta)
        return super().call_operator(op, args, kwargs, meta)


@pytest.mark.parametrize("kind", [Notes, Doubles])
def test_a_note_and_a_second_operator_are_changes(kind: type[ExportPass]) -> None:
    with with_asked_passes():
        graph = traced()
        assert kind()(graph).graph_module is not graph
