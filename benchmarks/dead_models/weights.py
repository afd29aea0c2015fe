"""Weights of a miniature's ``.pte`` files, written over where they lie.

XNNPACK keeps float32 tensors as they are in the checkpoint, so their bytes are found in the file.
What is quantized or compiled is not found there, and is exported anew from a checkpoint that was
written over.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from harness.artifacts.artifact import Artifact, sha256_of
from harness.artifacts.manifest import MANIFEST_NAME
from harness.vocabulary import COMPONENTS, Component

Values = NDArray[np.float32]

_CHANNELS_LAST = (0, 2, 3, 1)
_TENSORS = "model.safetensors"


class NotThereError(Exception):
    """A file does not hold what was to be written over."""


@dataclass
class Weights:
    """Three files in memory, and the checkpoint that they were made from.

    Attributes:
        artifact: Of a miniature.
        checkpoint: What it was made from.
        tensors: The checkpoint's, by name.
        files: Bytes of the components' files.
        changed: Tensors that were written over, by name.
        are_in_files: Whether the files held all of these as they were.
    """

    artifact: Artifact
    checkpoint: Path
    tensors: dict[str, Values] = field(init=False)
    files: dict[Component, bytearray] = field(init=False)
    changed: dict[str, Values] = field(init=False, default_factory=dict)
    are_in_files: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        self.tensors = load_file(self.checkpoint / _TENSORS)
        self.files = {name: bytearray(self.artifact.path(name).read_bytes()) for name in COMPONENTS}

    def names(self, component: Component, *parts: str) -> list[str]:
        """Tensors of a component with all of these in their names, in the checkpoint's order."""
        return [
            name
            for name in self.tensors
            if _component_of(name) == component and all(part in name for part in parts)
        ]

    def put(self, name: str, values: Values | float) -> None:
        """Write a tensor over, or one value over all of it."""
        before, after = self.tensors[name], np.broadcast_to(values, self.tensors[name].shape)
        self.changed[name] = np.ascontiguousarray(after, np.float32)
        blob, layouts = self.files[_component_of(name)], [tuple(range(before.ndim))]
        if before.ndim == len(_CHANNELS_LAST):
            layouts.append(_CHANNELS_LAST)
        found = [
            (layout, blob.find(stored))
            for layout in layouts
            if blob.count(stored := before.transpose(layout).tobytes()) == 1
        ]
        if len(found) != 1:
            self.are_in_files = False
            return
        layout, start = found[0]
        blob[start : start + before.nbytes] = after.transpose(layout).astype(np.float32).tobytes()

    def put_word(self, name: str, word: int) -> None:
        """Write over the word in the middle of a tensor."""
        changed = self.tensors[name].copy()
        changed.reshape(-1).view(np.uint32)[changed.size // 2] = word
        self.put(name, changed)

    def save(self, folder: Path) -> Path:
        """An artifact with these files, whose manifest says what they are."""
        shutil.copytree(self.artifact.directory, folder, symlinks=False)
        for name, content in self.files.items():
            path = folder / self.artifact.manifest.component(name).file
            path.unlink()
            path.write_bytes(content)
        describe_anew(folder)
        return folder

    def save_checkpoint(self, folder: Path) -> Path:
        """The checkpoint with the tensors that were written over."""
        weights = shutil.ignore_patterns(_TENSORS)
        shutil.copytree(self.checkpoint, folder, ignore=weights, dirs_exist_ok=True)
        save_file({**self.tensors, **self.changed}, folder / _TENSORS, {"format": "pt"})
        return folder


def describe_anew(folder: Path) -> None:
    """Let a manifest state size and hash of the files as they are now."""
    path = folder / MANIFEST_NAME
    fields = json.loads(path.read_text())
    for entry in fields["components"]:
        file = folder / entry["file"]
        entry.update(sha256=sha256_of(file), pte_bytes=file.stat().st_size)
    path.unlink()
    path.write_text(json.dumps(fields))


def _component_of(name: str) -> Component:
    if "embed_tokens" in name:
        return "token_embedding"
    is_text = any(part in name for part in ("text_model.", "language_model.", "lm_head."))
    return "text_decoder" if is_text else "vision_encoder"
