"""A folder shaped like the QNN SDK, for what ExecuTorch looks up below ``QNN_SDK_ROOT``."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path

from harness.backends.qnn.libraries import SDK_LIBRARY_FOLDER, QnnLibraries


def linked_sdk(libraries: QnnLibraries, cache: Path) -> Path:
    """Link the libraries into an SDK-shaped folder.

    ExecuTorch downloads an SDK unless ``QNN_SDK_ROOT`` is set, and asks the library below it for
    the build id that its version checks need (backends/qualcomm/utils/check_qnn_version.py).

    Args:
        libraries: What to link to.
        cache: Where the folder is made; several processes may do so at once.

    Returns:
        The root of the folder.
    """
    name = hashlib.sha256(str(libraries.directory).encode()).hexdigest()[:12]
    root = cache / f"sdk-{name}"
    folder = root / SDK_LIBRARY_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for library in libraries.directory.glob("*.so"):
        _link(folder / library.name, library)
    return root


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    part = link.with_name(f".{link.name}.{uuid.uuid4().hex}")
    part.symlink_to(target)
    os.replace(part, link)
