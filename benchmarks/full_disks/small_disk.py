"""A disk of a few megabytes, which is really full when it is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.full_disk import is_full

_REST = "rest"
_BLOCK_BYTES = 1 << 20


class NoDisk(Exception):
    """This user may mount no disk; the text says why."""


@dataclass(frozen=True)
class SmallDisk:
    """A file system of its own.

    Attributes:
        folder: Where it is mounted.
    """

    folder: Path

    def fill(self, leave_kib: int = 0) -> None:
        """Take all the room but so much."""
        with (self.folder / _REST).open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(_BLOCK_BYTES))
            except OSError as error:
                if not is_full(error):
                    raise
            file.truncate(max(0, file.tell() - leave_kib * 1024))

    def make_room(self) -> None:
        """Take back what ``fill`` took."""
        (self.folder / _REST).unlink(missing_ok=True)

    @property
    def is_full(self) -> bool:
        """Whether not a page is left."""
        free = os.statvfs(self.folder)
        return free.f_bavail * free.f_frsize < 4096


@contextmanager
def small_disk(folder: Path, size_kib: int) -> Iterator[SmallDisk]:
    """Mount a disk over a folder, which is made when missing.

    Raises:
        NoDisk: If this user may not; root of a user namespace with mounts of its own may.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mount = ("mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(folder))
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoDisk(f"there is no program mount: {error}") from error
    if done.returncode != 0:
        raise NoDisk(f"this user may mount no disk: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(("umount", "--lazy", str(folder)), check=True)
