"""What a checkpoint's files say beside its weights, as a hub serves them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fuzz.kinds.file_kind import FileKind, Whole
from harness.checkpoint.checkpoint import open_checkpoint
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_spec

_MODELS = ("tiny_smolvlm", "tiny_internvl3")


class CheckpointFiles(FileKind):
    """JSON files of both miniatures, opened as a checkpoint of somebody's own."""

    name = "checkpoints"

    def wholes(self, folder: Path) -> Sequence[Whole]:
        """A copy of each file."""
        for model in _MODELS:
            shutil.copytree(checkpoint_path(model), folder / model)
        files = sorted(
            path
            for model in _MODELS
            for path in (folder / model).iterdir()
            if path.suffix in (".json", ".jinja")
        )
        return [Whole(path, path.read_bytes(), _read) for path in files]


def _read(path: Path) -> object:
    folder = path.parent
    opened = open_checkpoint(folder, get_spec(f"{get_spec(folder.name).family.name}.mine"))
    return opened.spec, sorted(opened.components)
