"""Lock files in folders where others write, too: opened as what they are, or named.

What somebody else put in a lock's place, a link to a file of ours, a FIFO that never opens, a
folder, a device, is never opened, followed or changed.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from harness.errors import UserError

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_EVERYBODY_READS_AND_WRITES = 0o666


class NoLockFile(UserError):
    """Something else is in the place of a lock file.

    Attributes:
        kind: What it is, in words.
    """

    def __init__(self, path: Path, mode: int) -> None:
        self.kind = _KINDS.get(stat.S_IFMT(mode), "no file")
        super().__init__(
            f"{path} is {self.kind} where a lock file belongs, so something else made it; look at "
            f"it with: ls -ld {shlex.quote(str(path))}, and remove it."
        )


def open_lock_file(folder: int, path: Path) -> int:
    """Open a lock file that all users may take; made when missing.

    Args:
        folder: Descriptor of its folder.
        path: Where it is; names it in messages.

    Returns:
        A descriptor, for ``fcntl.flock``.

    Raises:
        NoLockFile: If something else is there.
        OSError: If it cannot be opened.
    """
    # A FIFO opens at once where nobody waits for its other end.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    while True:
        try:
            _check_mode(path, os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode)
            descriptor = os.open(path.name, flags, dir_fd=folder)
        except FileNotFoundError:
            try:
                # Kernels refuse O_CREAT on another user's file in a sticky folder
                # (fs.protected_regular), and only what is new may be opened to everybody.
                creating = flags | os.O_CREAT | os.O_EXCL
                descriptor = os.open(
                    path.name, creating, _EVERYBODY_READS_AND_WRITES, dir_fd=folder
                )
            except FileExistsError:
                continue
            os.fchmod(descriptor, _EVERYBODY_READS_AND_WRITES)
        try:
            _check_mode(path, os.fstat(descriptor).st_mode)
        except NoLockFile:
            os.close(descriptor)
            raise
        return descriptor


def check_lock_file(path: Path) -> None:
    """Refuse a path where something else than a lock file is; nothing may be there.

    Raises:
        NoLockFile: If something else is there.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    _check_mode(path, mode)


def is_ours(path: Path, kind: int) -> bool:
    """Whether a path is of a kind, such as ``stat.S_IFREG``, and this user's own; no link is."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_IFMT(found.st_mode) == kind and found.st_uid == os.geteuid()


def _check_mode(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NoLockFile(path, mode)
