"""Hash of the sources that decide what an export writes. Imports without torch."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import harness
from harness.vlm.family_parts import package_folders
from harness.vlm.spec import VlmFamily

SOURCE_FOLDERS = (
    "backends",
    "export/families",
    "export/graphs",
    "export/htp",
    "export/inputs",
    "export/worker",
    "targets",
    "vlm",
)
"""Folders below ``harness`` whose sources turn weights into bytes or say what these cost: a module
that does lies in one of them. What lies beside them in ``export`` only organizes."""

_SUFFIXES = {".py", ".c"}


def exporter_sha256(family: VlmFamily) -> str:
    """Hash the sources that take part in exporting a family, each read once per process.

    They are ours and, of a family from outside, the whole package that its encoder is in.

    A comment that changes rebuilds everything: a stale file, which is judged as if today's code
    had made it, is worse than a rebuild, and a version raised by hand is forgotten.

    Raises:
        UserError: If the family has no encoder.
    """
    ours = Path(harness.__file__).resolve().parent
    folders = (folder.resolve() for folder in package_folders(family, "encoder"))
    packages = [folder for folder in folders if folder != ours]
    return _sha256_of(ours, tuple(packages))


@functools.cache
def _sha256_of(ours: Path, packages: tuple[Path, ...]) -> str:
    hashes = [hash_sources(ours), *(hash_sources(root, (".",)) for root in packages)]
    return hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def hash_sources(root: Path, folders: Sequence[str] = SOURCE_FOLDERS) -> str:
    """Hash names and contents of all sources in some folders of a package."""
    files = {path for folder in folders for path in (root / folder).rglob("*")}
    digest = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in _SUFFIXES):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()
