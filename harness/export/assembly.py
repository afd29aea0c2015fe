"""Three cached components and what a checkpoint says beside its weights to an artifact folder."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from harness.artifacts.artifact import Artifact, open_artifact
from harness.artifacts.atomic_file import write_text
from harness.artifacts.manifest import MANIFEST_NAME, Manifest
from harness.errors import UserError
from harness.export.cache import CachedComponent, writing_to
from harness.lock_file import check_lock_file


def assemble(
    root: Path,
    manifest: Manifest,
    components: Sequence[CachedComponent],
    statement_files: Sequence[Path],
) -> Artifact:
    """Put an artifact folder together; files are hard links where the file system allows.

    The folder appears whole or not at all. A valid one that is already there is used, a broken one
    is replaced; one process at a time assembles an artifact.

    Raises:
        UserError: If it must be assembled and the cache is full or cannot be written.
    """
    directory = root / artifact_folder_name(manifest)
    found = _valid_artifact(directory)
    if found is not None:
        return found
    with writing_to(root):
        root.mkdir(parents=True, exist_ok=True)
        lock_path = root / f".{directory.name}.lock"
        check_lock_file(lock_path)
        with FileLock(lock_path):
            found = _valid_artifact(directory)
            if found is None:
                _replace(directory, manifest, components, statement_files)
                found = open_artifact(directory)
            return found


def _valid_artifact(directory: Path) -> Artifact | None:
    try:
        return open_artifact(directory)
    except UserError:
        return None


def _replace(
    directory: Path,
    manifest: Manifest,
    components: Sequence[CachedComponent],
    statement_files: Sequence[Path],
) -> None:
    """Assemble anew and clear away what is broken or was left by the dead; the lock is held."""
    if directory.exists():
        os.replace(directory, _hidden_sibling(directory))
    for leftover in directory.parent.glob(f".{directory.name}-*"):
        shutil.rmtree(leftover)
    workspace = _hidden_sibling(directory)
    workspace.mkdir()
    try:
        for component in components:
            _link(component.path, workspace / component.file.file)
        for file in statement_files:
            shutil.copyfile(file, workspace / file.name)
        write_text(workspace / MANIFEST_NAME, manifest.model_dump_json(indent=2))
        os.replace(workspace, directory)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def _hidden_sibling(directory: Path) -> Path:
    return directory.with_name(f".{directory.name}-{secrets.token_hex(4)}")


def artifact_key(
    model: str, components: Sequence[CachedComponent], statement_hashes: dict[str, str]
) -> str:
    """sha256 over all component keys, the tokenizer and what says how the model is asked."""
    words = [model, *(component.file.key for component in components)]
    words += [f"{name}={sha256}" for name, sha256 in sorted(statement_hashes.items())]
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
