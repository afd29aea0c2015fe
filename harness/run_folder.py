"""The temporary folder of one run, removed even after a session that was killed."""

from __future__ import annotations

import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from harness.lock_file import is_ours

_PREFIX = "snapgate-run-"
_OWNER_LOCK = "owner.lock"
"""Held while the folder's owner lives; the system lets go of it however the owner dies."""


@contextmanager
def run_folder(parent: Path | None = None) -> Iterator[Path]:
    """Give a run a folder of its own and remove it afterwards.

    A killed process removes nothing, so folders whose owners are dead are removed first.

    Args:
        parent: Folder for temporary files; the system's if None.
    """
    place = Path(tempfile.gettempdir()) if parent is None else parent
    remove_abandoned(place)
    folder, lock = _claimed_folder(place)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def remove_abandoned(parent: Path) -> None:
    """Remove the run folders in ``parent`` whose owners are dead; those of other users stay.

    What is only called so, a link, or a FIFO in the place of the lock, stays as well.
    """
    for folder in parent.glob(f"{_PREFIX}*"):
        lock_file = folder / _OWNER_LOCK
        if not is_ours(folder, stat.S_IFDIR) or not is_ours(lock_file, stat.S_IFREG):
            continue
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _claimed_folder(parent: Path) -> tuple[Path, FileLock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = FileLock(folder / _OWNER_LOCK)
        lock.acquire()
        # Between the file's creation and its lock another run may have taken us for dead.
        if (folder / _OWNER_LOCK).exists():
            return folder, lock
        lock.release()
