"""Which QNN made a library or a context binary, read from its bytes: no QNN is needed for that."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from harness.backends.delegate_data import FileRange

QnnVersion = tuple[int, int, int]

_BUILD_ID = re.compile(rb"v(\d+)\.(\d+)\.(\d+)\.\d{6,}")
"""As in ``v2.47.0.260601114230``; libraries and the heads of context binaries hold it as text."""
_HEAD_BYTES = 1 << 20


def version_of_library(path: Path) -> QnnVersion | None:
    """Version of the SDK that a QNN library is of; None where it does not tell."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _version(_BUILD_ID.search(data))


def version_of_context(path: Path, context: FileRange) -> QnnVersion | None:
    """Version of the QNN that compiled a context; None where it does not tell."""
    with path.open("rb") as file:
        file.seek(context.offset)
        return _version(_BUILD_ID.search(file.read(min(context.size, _HEAD_BYTES))))


def version_text(version: QnnVersion) -> str:
    """``2.47.0``."""
    return ".".join(map(str, version))


def _version(found: re.Match[bytes] | None) -> QnnVersion | None:
    return (int(found[1]), int(found[2]), int(found[3])) if found else None
