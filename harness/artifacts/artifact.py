"""An artifact folder: three ``.pte``, a tokenizer and a manifest. Imports without torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from harness.artifacts.manifest import MANIFEST_NAME, SCHEMA_VERSION, ComponentFile, Manifest
from harness.errors import UserError
from harness.pointer_file import refuse_pointer
from harness.vocabulary import Component

TOKENIZER_NAME = "tokenizer.json"


@dataclass(frozen=True)
class Artifact:
    """Files and what is known of them: checked against a manifest, or found without one."""

    directory: Path
    manifest: Manifest

    def path(self, component: Component) -> Path:
        """The ``.pte`` of one component."""
        return self.directory / self.manifest.component(component).file

    @property
    def is_foreign(self) -> bool:
        """Whether no manifest of ours lies beside the files: somebody else's exporter made them."""
        return not (self.directory / MANIFEST_NAME).exists()

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer that the runner loads."""
        return self.directory / TOKENIZER_NAME


def open_artifact(directory: Path) -> Artifact:
    """Open an artifact folder of ours and verify every file in it.

    Raises:
        UserError: If the manifest is missing, of another schema or wrong about a file, or a file
            is a pointer.
    """
    artifact = Artifact(directory, _read_manifest(directory))
    check_whole(artifact)
    for name, sha256 in artifact.manifest.tokenizer_files.items():
        refuse_pointer(directory / name)
        if not (directory / name).is_file() or sha256_of(directory / name) != sha256:
            raise UserError(
                f"Artifact {directory} lacks {name} or it was changed; copy the artifact whole."
            )
    return artifact


def check_whole(artifact: Artifact) -> None:
    """Refuse an artifact with a ``.pte`` that was changed since it was described.

    Raises:
        UserError: If it has one.
    """
    for entry in artifact.manifest.components:
        refuse_pointer(artifact.directory / entry.file)
        fault = file_fault(artifact.directory / entry.file, entry)
        if fault:
            raise UserError(
                f"Artifact {artifact.directory} {fault}; export it again or copy it whole."
            )


def _read_manifest(directory: Path) -> Manifest:
    path = directory / MANIFEST_NAME
    refuse_pointer(path)
    try:
        fields = json.loads(path.read_text(encoding="utf-8-sig"))
        version = fields.get("schema_version") if isinstance(fields, dict) else SCHEMA_VERSION
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path} has schema {version}, this version reads {SCHEMA_VERSION}; "
                "export the artifact again."
            )
        return Manifest.model_validate(fields)
    except FileNotFoundError as error:
        raise UserError(
            f"{directory} holds no {MANIFEST_NAME}, so it is no artifact of ours; "
            "make one with: python -m harness export MODEL"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the whole"
        raise UserError(
            f"{path} is wrong about {field} ({first['msg']}); export the artifact again."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); export the artifact again.") from error


def file_fault(path: Path, expected: ComponentFile) -> str | None:
    """Why a ``.pte`` is not the one that was described, None if it is."""
    try:
        size = path.stat().st_size
        if size != expected.pte_bytes:
            return f"has {size} bytes in {path.name} instead of {expected.pte_bytes}"
        if sha256_of(path) != expected.sha256:
            return f"has a wrong checksum for {path.name}"
    except FileNotFoundError:
        return f"lacks {path.name}"
    return None


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
