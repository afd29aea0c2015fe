"""sha256 of files on this machine, remembered so that gigabytes are not read for every session."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from harness.artifacts.atomic_file import write_text

_SETTLED_S = 2.0
"""A file changed within the granularity of its time stamps may change again unseen."""

_MOST_ENTRIES = 500


class LocalDigests:
    """sha256 of files, by what the file system says of them.

    A digest is believed as long as device, inode, size, and the times of modification and of
    change are the same. The last one, ``ctime``, cannot be set by any program.

    Args:
        memory: File to remember in, made when missing; None to remember nothing. A damaged one
            counts as empty. Two processes may use it at once; one may then forget what the other
            learned.
        now: Clock that tells seconds since 1970.
    """

    def __init__(self, memory: Path | None, now: Callable[[], float] = time.time) -> None:
        self._memory = memory
        self._now = now

    def of(self, path: Path) -> str:
        """Digest of a file in hexadecimal.

        Raises:
            OSError: If it cannot be read.
        """
        known = self._read()
        before = path.stat()
        identity = _identity(before)
        if identity in known:
            return known[identity]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        settled = self._now() - max(before.st_mtime, before.st_ctime) > _SETTLED_S
        if settled and _identity(path.stat()) == identity:
            self._write({**known, identity: digest})
        return digest

    def _read(self) -> dict[str, str]:
        if self._memory is None:
            return {}
        try:
            known = json.loads(self._memory.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        if self._memory is None:
            return
        latest = dict(list(known.items())[-_MOST_ENTRIES:])
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        write_text(self._memory, json.dumps(latest, indent=0))


def _identity(status: os.stat_result) -> str:
    numbers = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return "-".join(str(number) for number in numbers)
