"""No export begins with weights that are no numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.checkpoint.checkpoint import open_checkpoint
from harness.errors import UserError
from harness.export.exporter import export_component
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.export.weights_check import check_weights
from harness.vlm.registry import get_spec
from suites.harness.checkpoint.conftest import MakeCopy, copied

__all__ = ["copied"]

SPEC = get_spec("tiny_smolvlm")
NAME = "model.text_model.layers.1.mlp.down_proj.weight"


def broken(folder: Path, dtype: torch.dtype, *values: float) -> Path:
    """A checkpoint with some values in one weight of the text decoder."""
    weights = load_file(folder / "model.safetensors")
    weights = {name: weight.to(dtype) for name, weight in weights.items()}
    for index, value in enumerate(values):
        weights[NAME][1, index] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_no_numbers_are_counted_and_named(
    copied: MakeCopy, dtype: torch.dtype, value: float
) -> None:
    checkpoint = open_checkpoint(broken(copied(), dtype, value, 1.0, value), SPEC)
    check_weights(checkpoint.components["token_embedding"])
    with pytest.raises(UserError, match=f"holds 2 of 24576 values in {NAME} that are no finite"):
        check_weights(checkpoint.components["text_decoder"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_largest_numbers_are_numbers(copied: MakeCopy, dtype: torch.dtype) -> None:
    largest = torch.finfo(dtype).max
    checkpoint = open_checkpoint(broken(copied(), dtype, largest, -largest, 0.0), SPEC)
    check_weights(checkpoint.components["text_decoder"])


def test_an_export_of_them_ends_before_it_begins(copied: MakeCopy, tmp_path: Path) -> None:
    checkpoint = broken(copied(), torch.float32, torch.nan)
    request = ExportRequest(SPEC, checkpoint, Recipe())
    with pytest.raises(UserError, match="give another --checkpoint"):
        export_component(request, "text_decoder", tmp_path / "cache", lambda component, stage: None)
