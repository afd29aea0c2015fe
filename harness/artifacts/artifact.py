"""An artifact folder: three ``.pte``, a tokenizer and a manifest. Imports without torch."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from harness.artifacts.manifest import (
    MANIFEST_NAME,
    SCHEMA_VERSION,
    TOKENIZER_NAME,
    ComponentFile,
    Manifest,
)
from harness.errors import UserError
from harness.pointer_file import refuse_pointer
from harness.strict_json import parse_json, read_bounded
from harness.vocabulary import Component

_MOST_MANIFEST_BYTES = 4 << 20


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
            is a pointer, lies elsewhere or is no regular one.
    """
    artifact = Artifact(directory, read_manifest(directory))
    check_whole(artifact)
    for name, sha256 in artifact.manifest.tokenizer_files.items():
        check_own_file(directory, name)
        if sha256_of(directory / name) != sha256:
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
        check_own_file(artifact.directory, entry.file)
        fault = file_fault(artifact.directory / entry.file, entry)
        if fault:
            raise UserError(
                f"Artifact {artifact.directory} {fault}; export it again or copy it whole."
            )


def check_own_file(directory: Path, name: str) -> None:
    """Refuse what is no regular file of a folder: a link that leaves it, a pipe, a device.

    Args:
        directory: An artifact.
        name: What its manifest lists, a name without a path.

    Raises:
        UserError: If it is missing, a pointer, no regular file, or elsewhere.
    """
    path = directory / name
    refuse_pointer(path)
    if not path.exists():
        near = [other for other in os.listdir(directory) if other.lower() == name.lower()]
        hint = f", and has {near[0]}" if near else ""
        raise UserError(
            f"Artifact {directory} lacks {name}{hint}; export it again or copy it whole."
        )
    if not path.is_file():
        raise UserError(f"{path} is no regular file; copy the artifact whole.")
    if directory.resolve() not in path.resolve().parents:
        raise UserError(
            f"{path} leads out of its folder, to {path.resolve()}; copy the files themselves: "
            "cp -rL."
        )


def read_manifest(directory: Path) -> Manifest:
    """Read what an artifact says of itself, without looking at its other files.

    Raises:
        UserError: If there is none, or it is of another schema, no plain JSON, or wrong about a
            field.
    """
    path = directory / MANIFEST_NAME
    refuse_pointer(path)
    try:
        text = read_bounded(path, _MOST_MANIFEST_BYTES).decode("utf-8-sig")
        fields = parse_json(text)
        version = fields.get("schema_version") if isinstance(fields, dict) else SCHEMA_VERSION
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path} has schema {version}, this version reads {SCHEMA_VERSION}; "
                "export the artifact again."
            )
        return Manifest.model_validate_json(text, strict=True)
    except FileNotFoundError as error:
        raise UserError(
            f"{directory} holds no {MANIFEST_NAME}, so it is no artifact of ours; "
            "make one with: python -m harness export MODEL"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the whole"
        reason = first["msg"].removeprefix("Value error, ")
        raise UserError(
            f"{path} is wrong about {field} ({reason}); export the artifact again."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); export the artifact again.") from error


def file_fault(path: Path, expected: ComponentFile) -> str | None:
    """Why a ``.pte`` is not the one that was described, None if it is."""
    try:
        size = path.stat().st_size
        if size != expected.pte_bytes:
            return f"has {size:,} bytes in {path.name} instead of {expected.pte_bytes:,}"
        if sha256_of(path) != expected.sha256:
            return f"has a wrong checksum for {path.name}"
    except FileNotFoundError:
        return f"lacks {path.name}"
    return None


def sha256_of(path: Path) -> str:
    """sha256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
