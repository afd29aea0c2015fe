"""An artifact folder: three ``.pte``, a tokenizer and a manifest. Imports without torch."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from harness.errors import UserError
from harness.export.cache import CachedComponent, file_fault, sha256_of, write_durably
from harness.export.manifest import MANIFEST_NAME, SCHEMA_VERSION, Component, Manifest


@dataclass(frozen=True)
class Artifact:
    """An artifact whose files were checked against its manifest."""

    directory: Path
    manifest: Manifest

    def path(self, component: Component) -> Path:
        """The ``.pte`` of one component."""
        return self.directory / self.manifest.component(component).file

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer that the runner loads."""
        return self.directory / "tokenizer.json"

    @property
    def precision_label(self) -> str:
        """One precision if all components share it, else one per component."""
        found = {entry.component: entry.precision for entry in self.manifest.components}
        if len(set(found.values())) == 1:
            return next(iter(found.values()))
        return ",".join(f"{component}={precision}" for component, precision in found.items())


def open_artifact(directory: Path) -> Artifact:
    """Open an artifact folder and verify every file in it.

    Raises:
        UserError: If the manifest is missing, of another schema or wrong about a file.
    """
    path = directory / MANIFEST_NAME
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{directory} holds no {MANIFEST_NAME}, so it is no artifact of ours; "
            "make one with: python -m harness export MODEL"
        ) from error
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} cannot be read ({reason}); export the artifact again.") from error
    if manifest.schema_version != SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema {manifest.schema_version}, this version reads {SCHEMA_VERSION}; "
            "export the artifact again."
        )
    for entry in manifest.components:
        fault = file_fault(directory / entry.file, entry)
        if fault:
            raise UserError(f"Artifact {directory} {fault}; export it again or copy it whole.")
    for name, sha256 in manifest.tokenizer_files.items():
        if not (directory / name).is_file() or sha256_of(directory / name) != sha256:
            raise UserError(
                f"Artifact {directory} lacks {name} or it was changed; copy the artifact whole."
            )
    return Artifact(directory, manifest)


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
    write_durably(workspace / MANIFEST_NAME, manifest.model_dump_json(indent=2))
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
