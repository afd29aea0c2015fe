"""Whether programs and libraries may be executed from where a folder lies."""

from __future__ import annotations

import os
from pathlib import Path

_NOEXEC = getattr(os, "ST_NOEXEC", 0)
"""Linux tells; elsewhere nobody does."""


def is_noexec(folder: Path) -> bool:
    """Whether a folder is mounted ``noexec``; one that is not there yet is asked of its parent."""
    place = next(one for one in (folder, *folder.absolute().parents) if one.is_dir())
    return bool(os.statvfs(place).f_flag & _NOEXEC)
