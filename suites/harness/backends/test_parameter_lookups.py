"""Which nodes are weights is answered as before, and asked of fewer."""

from __future__ import annotations

import pytest
import torch
from executorch.backends.qualcomm.builders import utils
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    ExportGraphSignature,
    InputKind,
    InputSpec,
    TensorArgument,
)

from harness.backends.qnn.parameter_lookups import quick_parameter_lookups


class Weighed(nn.Module):
    """A weight, a table and a constant."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("table", torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        """All of them together."""
        y: Tensor = self.linear(x) + self.table * torch.tensor([1.0, 2.0, 3.0, 4.0])
        return y


@pytest.fixture
def program() -> ExportedProgram:
    return torch.export.export(Weighed(), (torch.ones(1, 4),)).run_decompositions()


def answers(program: ExportedProgram) -> list[tuple[str, bool, bool]]:
    return [
        (node.name, utils.is_parameter(node, program), utils.is_graph_input(node, program))
        for node in program.graph.nodes
    ]


def test_answers_are_the_same(program: ExportedProgram) -> None:
    slow = answers(program)
    with quick_parameter_lookups():
        assert answers(program) == slow
    assert sum(is_weight for _, is_weight, _ in slow) == 4
    assert answers(program) == slow


def test_only_inputs_are_looked_up(
    program: ExportedProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, look_up = list[str](), utils.is_param

    def is_param(program: ExportedProgram, node: torch.fx.Node) -> bool:
        asked.append(node.op)
        return bool(look_up(program, node))

    monkeypatch.setattr(utils, "is_param", is_param)
    with quick_parameter_lookups():
        answers(program)
    assert set(asked) == {"placeholder"}
    answers(program)
    assert "call_function" in asked


def test_a_table_is_made_once(program: ExportedProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    make = type(program.graph_signature).inputs_to_buffers

    def count(signature: object) -> object:
        nonlocal made
        made += 1
        return make.fget(signature)  # type: ignore[attr-defined]

    monkeypatch.setattr(type(program.graph_signature), "inputs_to_buffers", property(count))
    with quick_parameter_lookups():
        answers(program)
    assert made == 1


def test_a_table_follows_its_signature(program: ExportedProgram) -> None:
    signature = program.graph_signature
    with quick_parameter_lookups():
        (name, target), *_ = signature.inputs_to_buffers.items()
        signature.replace_all_uses(name, "renamed")
        assert signature.inputs_to_buffers["renamed"] == target
        assert name not in signature.inputs_to_buffers
        index = next(
            number for number, one in enumerate(signature.input_specs) if one.target == target
        )
        taken = signature.input_specs.pop(index)
        assert signature.inputs_to_buffers == {}
        signature.input_specs.append(taken)
        assert signature.inputs_to_buffers == {"renamed": target}
        other = InputSpec(InputKind.BUFFER, TensorArgument("other"), "other", persistent=False)
        signature.input_specs[-1] = other
        assert signature.inputs_to_buffers == {"other": "other"}
        assert set(signature.non_persistent_buffers) == {"other"}
    assert signature.inputs_to_buffers == {"other": "other"}


def fail_within() -> None:
    with quick_parameter_lookups():
        raise RuntimeError("within")


def test_lookups_are_torchs_again_behind_an_error() -> None:
    before = utils.is_param, ExportGraphSignature.inputs_to_buffers
    with pytest.raises(RuntimeError, match="within"):
        fail_within()
    assert (utils.is_param, ExportGraphSignature.inputs_to_buffers) == before
