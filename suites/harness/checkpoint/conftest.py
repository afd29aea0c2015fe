"""Copies of the committed checkpoints that a test may change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.miniatures.committed import checkpoint_path
from suites.harness.export.conftest import make_checkpoint

__all__ = ["copied", "edit", "make_checkpoint"]

MakeCopy = Callable[[str], Path]


@pytest.fixture
def copied(tmp_path: Path) -> MakeCopy:
    """Copies the checkpoint of a miniature."""

    def copy(model: str = "tiny_smolvlm") -> Path:
        folder = tmp_path / model
        shutil.copytree(checkpoint_path(model), folder)
        return folder

    return copy


def edit(path: Path, changes: dict[str, Any]) -> None:
    """Change keys of a JSON file, dotted for one within another; None stays, ``...`` removes."""
    content = json.loads(path.read_text()) if path.exists() else {}
    for dotted, value in changes.items():
        *outer, name = dotted.split(".")
        inner = content
        for key in outer:
            inner = inner.setdefault(key, {})
        if value is ...:
            inner.pop(name, None)
        else:
            inner[name] = value
    path.write_text(json.dumps(content))
