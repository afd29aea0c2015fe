"""How much memory a new process can have here, and giving back what this one no longer needs."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.control_groups import MOUNTED, OWN, own_groups


@dataclass(frozen=True)
class MemoryRoom:
    """Memory at one moment.

    Attributes:
        available_bytes: What a new process could have, swap included.
        limit_bytes: The limit of the container or control group that decides it; None where the
            machine alone does.
        kills: Processes that were ended at that limit so far; None where nobody counts them.
    """

    available_bytes: int
    limit_bytes: int | None = None
    kills: int | None = None

    @property
    def described(self) -> str:
        """What is available, and by whose limit."""
        told = f"{self.available_bytes / 2**30:.1f} GiB were available"
        if self.limit_bytes is None:
            return told
        limit = f"{self.limit_bytes / 2**30:.1f} GiB"
        return f"{told} within the {limit} that this container or control group may take"


def collect_garbage() -> None:
    """Give the kernel what this process no longer needs: glibc keeps what was freed."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def memory_room(groups: Path = MOUNTED, own: Path = OWN) -> MemoryRoom:
    """What a new process could have now.

    Args:
        groups: Where control groups are mounted.
        own: Which of them this process is in.
    """
    of_machine = psutil.virtual_memory().available + psutil.swap_memory().free
    room = MemoryRoom(int(of_machine))
    for folder in own_groups("memory", groups, own):
        limit = _number(folder / "memory.max", folder / "memory.limit_in_bytes")
        used = _number(folder / "memory.current", folder / "memory.usage_in_bytes")
        if limit is None or used is None:
            continue
        # Files that were read once are given up before a process is ended.
        left = max(limit - used + _of_table(folder / "memory.stat", "inactive_file"), 0)
        if left < room.available_bytes:
            kills = _of_table(folder / "memory.events", "oom_kill")
            room = MemoryRoom(left, limit, kills)
    return room


def _number(*files: Path) -> int | None:
    """Of the first file that is there; None for none, and for a limit that is no number."""
    for file in files:
        try:
            return int(file.read_text())
        except (OSError, ValueError):
            continue
    return None


def _of_table(file: Path, key: str) -> int:
    """A number of a file with lines of key and number; 0 where it has none."""
    try:
        rows = (line.split() for line in file.read_text().splitlines())
        return next((int(row[1]) for row in rows if row[:1] == [key]), 0)
    except (OSError, ValueError, IndexError):
        return 0
