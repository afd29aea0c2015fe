"""A lowering that leaves out traces of what no pass has changed makes the same program."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from harness.backends.idle_passes import without_idle_traces
from harness.backends.xnnpack import lower_to_pte


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


INPUTS = {Plain: torch.ones(2, 8), Fused: torch.ones(1, 3, 9, 9)}


def lowered(module: nn.Module, path: Path) -> bytes:
    program = torch.export.export(module, (INPUTS[type(module)],))
    with path.open("wb") as file:
        lower_to_pte({"forward": program}, {}, plan_io_memory=True, output=file)
    return path.read_bytes()


def traces(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the passes that traced their graph."""
    from executorch.exir.pass_base import ExportPass

    trace, told = ExportPass.call_submodule, list[str]()

    def call_submodule(self: ExportPass, *arguments: object) -> object:
        told.append(type(self).__name__)
        return trace(self, *arguments)

    monkeypatch.setattr(ExportPass, "call_submodule", call_submodule)
    return told


@pytest.mark.parametrize("kind", [Plain, Fused])
def test_the_program_is_the_same(
    kind: type[nn.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    module = kind().eval()
    told = traces(monkeypatch)
    plain = lowered(module, tmp_path / "plain.pte")
    assert "DecomposeBatchNorm" in told
    told.clear()
    with without_idle_traces():
        assert lowered(module, tmp_path / "quick.pte") == plain
    assert "DecomposeBatchNorm" not in told
    assert ("FuseBatchNormPass" in told) == (kind is Fused)
    told.clear()
    assert lowered(module, tmp_path / "afterwards.pte") == plain
    assert "DecomposeBatchNorm" in told
