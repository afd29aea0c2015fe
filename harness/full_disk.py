"""File systems that take no more: told by path, what was to be written and what is free."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
"""What writing fails with where there is no room, or none any more."""

REFUSALS = FULL | {
    errno.EACCES,
    errno.EPERM,
    errno.ENOTDIR,
    errno.EEXIST,
    # Of folders that file systems without files show, such as those below /proc.
    errno.ENOENT,
}
"""What making and writing files fails with for reasons that a user can cure."""

FULL_BYTES = 1 << 20
"""With less than that free, what was written last need not be whole."""


def is_full(error: BaseException) -> bool:
    """Whether an error is that of a disk without room."""
    return isinstance(error, OSError) and error.errno in FULL


def tells_full(words: str) -> bool:
    """Whether another program's words, or a phone's, say so."""
    return any(
        os.strerror(number).lower() in words.lower() for number in (errno.ENOSPC, errno.EDQUOT)
    )


def free_bytes(path: Path) -> int:
    """Room that is left where a file or folder is, or would be; 0 where nobody can tell."""
    nearest = next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())
    try:
        return shutil.disk_usage(nearest).free
    except OSError:
        return 0


def describe_full(error: OSError, folders: Iterable[Path], needed_bytes: int | None = None) -> str:
    """One sentence without its end: which path, why, what is needed and what is free.

    Args:
        error: As the system raised it.
        folders: Where it may have happened; the fullest is told where the error names none.
        needed_bytes: What was to be written; None where nobody knows.
    """
    named = error.filename if isinstance(error.filename, str) else None
    path = Path(named) if named else min(folders, key=free_bytes)
    needed = "" if needed_bytes is None else f"{needed_bytes / 1024:,.0f} KiB are needed and "
    reason = error.strerror or os.strerror(error.errno or errno.ENOSPC)
    return (
        f"{path} cannot be written ({reason}): {needed}{free_bytes(path) / 2**20:,.1f} MiB are free"
    )


def check_room(folder: Path) -> None:
    """Find out behind a run whether what it wrote can be whole, or before one whether it will be.

    Raises:
        OSError: ENOSPC with the folder, if hardly anything is free there.
    """
    if free_bytes(folder) < FULL_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
