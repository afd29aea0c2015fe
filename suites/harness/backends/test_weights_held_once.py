"""The compiler reads weights where they lie, and ExecuTorch is as it was behind that."""

from __future__ import annotations

import json

import pytest
import torch
from executorch.backends.qualcomm.qnn_preprocess import QnnBackend
from executorch.exir import EdgeCompileConfig, EdgeProgramManager, to_edge
from torch import Tensor, nn

from harness.backends.qnn.provider import QnnInfo
from harness.backends.qnn.weights_held_once import weights_held_once
from suites.harness.backends.conftest import RunPython

COPY = "copy_exported_program_for_preprocess"


class Convolved(nn.Module):
    """A weight of a convolution, one that is multiplied, too, and a table of as many dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 6, (2, 3))
        self.twofold = nn.Parameter(torch.rand(6, 6, 1, 1))
        self.register_buffer("steps", torch.rand(1, 6, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        """All of them."""
        y: Tensor = self.convolution(x) + self.steps
        return nn.functional.conv2d(y, self.twofold) * self.twofold.sum()


@pytest.fixture
def edge() -> EdgeProgramManager:
    module, x = Convolved().eval(), torch.ones(1, 4, 3, 4)
    exported = torch.export.export(module, (x,))
    programs = {"one": exported, "two": torch.export.export(module, (x,))}
    return to_edge(programs, compile_config=EdgeCompileConfig(_check_ir_validity=False))


def weights(edge: EdgeProgramManager, method: str) -> dict[str, Tensor]:
    return {**edge.exported_program(method).state_dict, **edge.exported_program(method).constants}


def test_copies_share_weights(edge: EdgeProgramManager) -> None:
    program = edge.exported_program("one")
    with weights_held_once(edge):
        copied = QnnBackend.copy_exported_program_for_preprocess(program, [])
    assert copied is not program
    assert copied.graph is not program.graph
    assert copied.state_dict is not program.state_dict
    assert {name: id(one) for name, one in copied.state_dict.items()} == {
        name: id(one) for name, one in program.state_dict.items()
    }
    plain = QnnBackend.copy_exported_program_for_preprocess(program, [])
    key = "convolution.weight"
    assert plain.state_dict[key].data_ptr() != program.state_dict[key].data_ptr()


def test_weights_of_convolutions_alone_are_arranged_and_keep_their_values(
    edge: EdgeProgramManager,
) -> None:
    before = {name: one.clone() for name, one in weights(edge, "one").items()}
    with weights_held_once(edge):
        one, two = (weights(edge, method)["convolution.weight"] for method in ("one", "two"))
        assert one.permute(2, 3, 1, 0).is_contiguous()
        assert one.data_ptr() == two.data_ptr()
    arranged = {name for name, one in weights(edge, "one").items() if not one.is_contiguous()}
    assert arranged == {"convolution.weight"}
    assert weights(edge, "one").keys() == before.keys()
    assert all(torch.equal(weight, before[name]) for name, weight in weights(edge, "one").items())


def fail_within(edge: EdgeProgramManager) -> None:
    with weights_held_once(edge):
        raise RuntimeError("within")


def test_executorch_is_as_it_was_behind_an_error(edge: EdgeProgramManager) -> None:
    from executorch.backends.qualcomm.python import PyQnnManagerAdaptor

    before = PyQnnManagerAdaptor.TensorWrapper, getattr(QnnBackend, COPY)
    with pytest.raises(RuntimeError, match="within"):
        fail_within(edge)
    assert (PyQnnManagerAdaptor.TensorWrapper, getattr(QnnBackend, COPY)) == before
    assert COPY not in QnnBackend.__dict__


RECORDING = """
import json
import torch
from executorch.backends.qualcomm.python import PyQnnManagerAdaptor
from harness.backends.qnn.delegation import delegate
from harness.backends.qnn.provider import activate
from suites.harness.backends.htp_forms import forms

activate()
describe, told = PyQnnManagerAdaptor.TensorWrapper, []

def record(*arguments):
    *_, data, is_copied = arguments
    if data.nbytes:
        told.append((data.nbytes, data.ctypes.data, bool(is_copied)))
    return describe(*arguments)

PyQnnManagerAdaptor.TensorWrapper = record
methods, options = forms()["convolutions"]
weights = {
    (name, key): (weight, weight.clone())
    for name, method in methods.items()
    for key, weight in method.module.state_dict().items()
}
delegate(methods, {}, options)
changed = [place for place, (weight, before) in weights.items() if not torch.equal(weight, before)]
print(json.dumps([told, changed]))
"""


def test_two_graphs_describe_one_weight(qnn: QnnInfo, run_python: RunPython) -> None:
    recorded = run_python(RECORDING)
    assert recorded.returncode == 0, recorded.stderr[-2000:]
    told, changed = json.loads(recorded.stdout.splitlines()[-1])
    assert not changed
    weights = [(place, copied) for size, place, copied in told if size == 64 * 64]
    assert len(weights) == 4, "two convolutions in two graphs"
    assert len({place for place, _ in weights}) == 2
    assert not any(copied for _, copied in weights)
