"""A lowering whose weights wait in files makes the same program."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from harness.backends.weights_in_files import weights_in_files
from harness.backends.xnnpack import lower_to_pte


class Shared(nn.Module):
    """Two linears of 256 KiB, which two methods share."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Linear(256, 256), nn.Linear(256, 256)

    def forward(self, x: Tensor) -> Tensor:
        """What XNNPACK takes as one delegate per linear: the cosine is none of its operators."""
        y: Tensor = self.narrow(torch.cos(self.wide(x)))
        return y


def lowered(path: Path) -> bytes:
    torch.manual_seed(0)
    module = Shared().eval()
    methods = {
        f"forward_{rows}": torch.export.export(module, (torch.ones(rows, 256),)) for rows in (1, 4)
    }
    with path.open("wb") as file:
        lower_to_pte(methods, {}, plan_io_memory=True, output=file)
    return path.read_bytes()


def test_the_program_is_the_same_and_nothing_is_left(tmp_path: Path) -> None:
    plain = lowered(tmp_path / "plain.pte")
    folder = tmp_path / "größer"
    folder.mkdir()
    with weights_in_files(folder):
        found = lowered(folder / "model.pte")
        (waiting,) = folder.glob("weights-*")
        assert sorted(file.stat().st_size for file in waiting.iterdir()) == [256 * 256 * 4] * 2
    assert found == plain
    assert [file.name for file in folder.iterdir()] == ["model.pte"]
    assert lowered(tmp_path / "afterwards.pte") == plain


def test_whatever_ends_a_lowering_undoes_it(tmp_path: Path) -> None:
    plain = lowered(tmp_path / "plain.pte")
    with pytest.raises(KeyboardInterrupt), weights_in_files(tmp_path):
        raise KeyboardInterrupt
    assert [file.name for file in tmp_path.iterdir()] == ["plain.pte"]
    assert lowered(tmp_path / "afterwards.pte") == plain


def test_no_part_of_a_program_has_tensors_of_its_own(tmp_path: Path) -> None:
    from executorch.backends.xnnpack.xnnpack_preprocess import XnnpackBackend

    program = torch.export.export(Shared().eval(), (torch.ones(1, 256),))
    with weights_in_files(tmp_path):
        copied = XnnpackBackend.copy_exported_program_for_preprocess(program, [])
    assert copied.graph_module is not program.graph_module
    assert all(copied.state_dict[name] is one for name, one in program.state_dict.items())
