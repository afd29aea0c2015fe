"""What the export's tests share: one-layer checkpoints with random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.vlm.registry import get_spec
from harness.vlm.spec import VlmSpec
from training.saving import build_model, save_checkpoint
from training.tokenizer import build_tokenizer

MakeCheckpoint = Callable[[str], Path]


def one_layer(family: str) -> VlmSpec:
    """The miniature of a family cut down to one layer of each kind; quick to export."""
    spec = get_spec(f"tiny_{family}")
    return replace(
        spec,
        name=family,
        is_miniature=False,
        is_own=True,
        vision=replace(spec.vision, layers=1),
        text=replace(spec.text, layers=1),
    )


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> MakeCheckpoint:
    """Checkpoint folder of a family's one-layer model, written by ``save_pretrained``."""
    known: dict[str, Path] = {}

    def make(family: str) -> Path:
        if family not in known:
            spec = one_layer(family)
            tokenizer = build_tokenizer(spec)
            torch.manual_seed(0)
            model = build_model(spec, tokenizer)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.normal_(std=0.1)
            known[family] = tmp_path_factory.mktemp(family)
            save_checkpoint(model.state_dict(), spec, tokenizer, known[family])
        return known[family]

    return make
