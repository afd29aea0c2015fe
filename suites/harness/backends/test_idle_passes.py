"""A lowering that leaves out traces of what no pass changes makes the same program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torchao.quantization import quantize_

from harness.backends.idle_passes import without_idle_traces
from harness.backends.xnnpack import config_8da4w, lower_to_pte


class Plain(nn.Module):
    """Passes find nothing in it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        """Two products and what lies between."""
        y: Tensor = self.second(torch.sigmoid(self.first(x)))
        return y


class Fused(nn.Module):
    """Passes fuse a batch norm and an activation into what is before them."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        """A convolution with its norm and activation."""
        return torch.relu(self.norm(self.convolution(x)))


class Decomposed(nn.Module):
    """A softmax and a transposition are not among the operators that lowering knows."""

    def forward(self, x: Tensor) -> Tensor:
        """Both, and what they are made of by hand."""
        return torch.softmax(x, dim=-1).transpose(0, 1) * torch.sigmoid(x.permute(1, 0))


class Writing(nn.Module):
    """What writes into a tensor is made into what does not."""

    def forward(self, x: Tensor) -> Tensor:
        """Write into a copy."""
        return x.clone().add_(1).mul_(x)


class Looking(nn.Module):
    """What is a view only now and then is made into a copy."""

    def forward(self, x: Tensor) -> Tensor:
        """Rows by the numbers in a tensor."""
        return torch.ones(3, 2)[x.reshape(16).to(torch.int64)]


class Packed(nn.Module):
    """A weight of 4 bits is a tensor of several, which decomposing takes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(32, 8)
        quantize_(self, config_8da4w())

    def forward(self, x: Tensor) -> Tensor:
        """One product."""
        y: Tensor = self.linear(x)
        return y


class Dropping(nn.Module):
    """What only training does is taken out, though no table says so."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.dropout = nn.Linear(8, 8), nn.Dropout()

    def forward(self, x: Tensor) -> Tensor:
        """One product."""
        y: Tensor = self.dropout(self.first(x))
        return y


INPUTS = {
    Dropping: torch.ones(2, 8),
    Packed: torch.ones(2, 32),
    Looking: torch.ones(2, 8),
    Decomposed: torch.ones(2, 8),
    Writing: torch.ones(2, 8),
    Plain: torch.ones(2, 8),
    Fused: torch.ones(1, 3, 9, 9),
}


DECOMPOSITION = "decomposition"


def lowered(module: nn.Module, path: Path) -> bytes:
    program = torch.export.export(module, (INPUTS[type(module)],))
    with path.open("wb") as file:
        lower_to_pte({"forward": program}, {}, plan_io_memory=True, output=file)
    return path.read_bytes()


def traces(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what traced a graph."""
    from executorch.exir.pass_base import ExportPass

    trace, told = ExportPass.call_submodule, list[str]()

    def call_submodule(self: ExportPass, *arguments: object) -> object:
        told.append(type(self).__name__)
        return trace(self, *arguments)

    monkeypatch.setattr(ExportPass, "call_submodule", call_submodule)
    decompose = ExportedProgram.run_decompositions

    def run_decompositions(self: ExportedProgram, *arguments: Any) -> ExportedProgram:
        told.append(DECOMPOSITION)
        return decompose(self, *arguments)

    monkeypatch.setattr(ExportedProgram, "run_decompositions", run_decompositions)
    return told


@pytest.mark.usefixtures("no_numbers_of_operators")
@pytest.mark.parametrize("kind", [Plain, Fused, Decomposed, Writing, Looking, Packed, Dropping])
def test_the_program_is_the_same(
    kind: type[nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    module = kind().eval()
    told = traces(monkeypatch)
    plain = lowered(module, tmp_path / "plain.pte")
    assert {"DecomposeBatchNorm", DECOMPOSITION} <= set(told)
    told.clear()
    with without_idle_traces():
        assert lowered(module, tmp_path / "quick.pte") == plain
    assert "DecomposeBatchNorm" not in told
    assert (DECOMPOSITION in told) == (kind is not Plain)
    assert ("FuseBatchNormPass" in told) == (kind is Fused)
    told.clear()
    assert lowered(module, tmp_path / "afterwards.pte") == plain
    assert "DecomposeBatchNorm" in told
