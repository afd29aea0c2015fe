"""Whether a file is the one that was described."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.artifacts.manifest import ComponentFile


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
