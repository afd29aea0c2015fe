"""Three cached components and a tokenizer to an artifact folder."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from harness.artifacts.artifact import Artifact, open_artifact
from harness.artifacts.atomic_file import write_text
from harness.artifacts.manifest import MANIFEST_NAME, Manifest
from harness.errors import UserError
from harness.export.cache import CachedComponent


def assemble(
    root: Path,
    manifest: Manifest,
    components: Sequence[CachedComponent],
    tokenizer_files: Sequence[Path],
) -> Artifact:
    """Put an artifact folder together; files are hard links where the file system allows.

    The folder appears whole or not at all. A valid one that is already there is used; a broken one
    is replaced.
    """
    root.mkdir(parents=True, exist_ok=True)
    directory = root / artifact_folder_name(manifest)
    try:
        return open_artifact(directory)
    except UserError:
        if directory.exists():
            os.replace(directory, directory.with_name(f".{directory.name}-{secrets.token_hex(4)}"))
    workspace = root / f".{directory.name}-{secrets.token_hex(4)}"
    workspace.mkdir()
    for component in components:
        _link(component.path, workspace / component.file.file)
    for file in tokenizer_files:
        shutil.copyfile(file, workspace / file.name)
    write_text(workspace / MANIFEST_NAME, manifest.model_dump_json(indent=2))
    try:
        os.replace(workspace, directory)
    except OSError:
        # Another process assembled the same artifact first.
        shutil.rmtree(workspace)
    return open_artifact(directory)


def artifact_key(
    model: str, components: Sequence[CachedComponent], tokenizer_hashes: dict[str, str]
) -> str:
    """sha256 over all component keys and the tokenizer."""
    words = [model, *(component.file.key for component in components)]
    words += [f"{name}={sha256}" for name, sha256 in sorted(tokenizer_hashes.items())]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def artifact_folder_name(manifest: Manifest) -> str:
    """Name under which a person finds the artifact."""
    where = manifest.soc or manifest.backend
    return "-".join([manifest.model, where, manifest.mode, manifest.key[:12]])


def _link(source: Path, destination: Path) -> None:
    try:
        os.link(source, destination)
    except OSError:
        shutil.copyfile(source, destination)
