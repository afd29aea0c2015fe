"""Passes that are told what they would find out write the same graph."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from executorch.exir.pass_base import ExportPass
from torch import Tensor, nn
from torch.fx import GraphModule, Interpreter

from harness.backends.known_values import with_known_values
from harness.backends.xnnpack import lower_to_pte


class Reads(nn.Module):
    """As much of a cache as there is, as a decoder does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor, cache: Tensor) -> Tensor:
        """Scores of new and past rows, and what they weigh."""
        new = torch.nn.functional.silu(self.first(x))
        rows = torch.cat([cache, new], dim=1).transpose(1, 2).reshape(1, 8, -1)
        mixed: Tensor = self.second(torch.softmax(new @ rows, dim=-1) @ rows.transpose(1, 2))
        return mixed


def exported(with_gradients: bool = False) -> torch.export.ExportedProgram:
    torch.manual_seed(0)
    past = torch.export.Dim("past", min=2, max=64)
    return torch.export.export(
        Reads().eval().requires_grad_(with_gradients),
        (torch.ones(1, 4, 8), torch.ones(1, 6, 8)),
        dynamic_shapes=({}, {1: past}),
        prefer_deferred_runtime_asserts_over_guards=True,
    )


def lowered(path: Path, with_gradients: bool = False) -> bytes:
    with path.open("wb") as file:
        program = exported(with_gradients)
        lower_to_pte({"forward": program}, {}, plan_io_memory=False, output=file)
    return path.read_bytes()


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often which operator was computed."""
    compute, told = Interpreter.call_function, Counter[str]()

    def call_function(self: Interpreter, target: object, *rest: object) -> object:
        told[str(target)] += 1
        return compute(self, target, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Interpreter, "call_function", call_function)
    return told


def test_a_program_with_an_open_extent_is_the_same(tmp_path: Path, computed: Counter[str]) -> None:
    plain = lowered(tmp_path / "plain.pte")
    computed.clear()  # The first time graphs of patterns are traced, too.
    lowered(tmp_path / "again.pte")
    all_of_them = computed.total()
    computed.clear()
    with with_known_values():
        assert lowered(tmp_path / "quick.pte") == plain
    assert computed.total() < 0.6 * all_of_them
    computed.clear()
    assert lowered(tmp_path / "afterwards.pte") == plain
    assert computed.total() == all_of_them


def test_values_with_gradients_are_found_out(tmp_path: Path) -> None:
    plain = lowered(tmp_path / "plain.pte", with_gradients=True)
    with with_known_values():
        assert lowered(tmp_path / "quick.pte", with_gradients=True) == plain


class Many(nn.Module):
    """A concatenation of more than XNNPACK takes, which a pass splits by changing the node."""

    def forward(self, x: Tensor, cache: Tensor) -> Tensor:
        """Seven times the new rows, and sums of them."""
        rows = torch.cat([cache, x, x + 1, x + 2, x + 3, x + 4, x + 5], dim=1)
        return torch.relu(rows) + 1


def test_what_a_pass_changes_in_place_is_computed(tmp_path: Path) -> None:
    inputs = torch.ones(1, 4, 8), torch.ones(1, 6, 8)

    def lowered_anew(name: str) -> bytes:
        program = torch.export.export(Many(), inputs)
        with (tmp_path / name).open("wb") as file:
            lower_to_pte({"forward": program}, {}, plan_io_memory=False, output=file)
        return (tmp_path / name).read_bytes()

    plain = lowered_anew("plain.pte")
    with with_known_values():
        assert lowered_anew("quick.pte") == plain


class Halves(ExportPass):
    """Gives sums another number, which is as good as equal to the old one."""

    def call_operator(self, op, args, kwargs, meta):  # type: ignore[no-untyped-def]
        """Put a number of another type in."""
        if op is torch.ops.aten.add.Tensor:
            args = (args[0], 1.0)
        return super().call_operator(op, args, kwargs, meta)


def test_a_number_of_another_type_is_another() -> None:
    class Counts(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1

    graph = torch.export.export(Counts(), (torch.ones(3, dtype=torch.int32),)).graph_module
    with with_known_values():
        again = ExportPass()(graph).graph_module
        changed = Halves()(again).graph_module
    found = [node.meta["val"].dtype for node in changed.graph.nodes if node.op == "call_function"]
    assert found == [torch.float]


class Narrows(ExportPass):
    """Adds in half precision."""

    def call_operator(self, op, args, kwargs, meta):  # type: ignore[no-untyped-def]
        """Put a cast before every sum."""
        if op is not torch.ops.aten.add.Tensor:
            return super().call_operator(op, args, kwargs, meta)
        half = super().call_operator(
            torch.ops.aten._to_copy.default, (args[0],), {"dtype": torch.half}, meta
        )
        return super().call_operator(op, (half, half), kwargs, meta)


def test_what_a_pass_changes_is_computed_and_so_is_what_follows() -> None:
    class Adds(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.sigmoid(torch.relu(x) + x)

    graph = torch.export.export(Adds(), (torch.ones(3),)).graph_module
    with with_known_values():
        changed: GraphModule = Narrows()(graph).graph_module
    values = {
        str(node.target): node.meta["val"].dtype
        for node in changed.graph.nodes
        if node.op == "call_function"
    }
    assert values["aten.relu.default"] == torch.float
    assert values["aten.add.Tensor"] == values["aten.sigmoid.default"] == torch.half
