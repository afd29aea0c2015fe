"""What jobs brought to a host's artifact cache: no more of it is kept than the host has room for.

All of it is in the farm's store, too, so what is removed here is fetched again when it is needed.
Folders that somebody exported here by hand are never touched.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.artifacts.given_name import ARTIFACTS
from harness.farm.exported_folders import NAME_PREFIX

_LOG = logging.getLogger(__name__)
_RECORDS = ".farm"
"""Folder of a cache with one empty file per folder that a job brought; its time is the last use."""
_BETWEEN = "+"
"""In the name of a record for each slash; no folder of a cache has one in its name."""


class KeptFolders:
    """Keeps the folders that were used last.

    Args:
        artifacts: The artifact cache.
        limit_bytes: How much of what jobs brought is kept, beside what jobs use now.
    """

    def __init__(self, artifacts: Path, limit_bytes: int) -> None:
        self._artifacts = artifacts
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._used: list[Path] = []

    def here(self) -> frozenset[Path]:
        """All folders of the cache, whoever brought them."""
        kinds = (self._artifacts / "components", self._artifacts / ARTIFACTS)
        found = (folder for kind in kinds if kind.is_dir() for folder in kind.iterdir())
        return frozenset(one for one in found if one.is_dir() and not one.is_symlink())

    def brought(self, folder: Path) -> None:
        """Note that a job brought a folder."""
        record = self._record(folder)
        record.parent.mkdir(parents=True, exist_ok=True)
        record.touch()

    @contextmanager
    def using(self, folders: Iterable[Path]) -> Iterator[None]:
        """Keep folders for as long as a job needs them; remove the oldest of the others then."""
        used = list(folders)
        with self._lock:
            self._used += used
        try:
            yield
        finally:
            with self._lock:
                for folder in used:
                    self._used.remove(folder)
                    # Folders of somebody else have no record.
                    with suppress(FileNotFoundError):
                        os.utime(self._record(folder))
                try:
                    self._trim()
                except OSError as error:
                    _LOG.warning("%s cannot be trimmed: %s", self._artifacts, error)

    def _trim(self) -> None:
        records = self._artifacts / _RECORDS
        if not records.is_dir():
            return
        dated = sorted(records.iterdir(), key=lambda record: record.stat().st_mtime, reverse=True)
        seen: set[int] = set()
        kept_bytes = 0
        named = self._named_by_hand()
        for record in dated:
            folder = self._artifacts / record.name.replace(_BETWEEN, "/")
            kept_bytes += _own_bytes(folder, seen)
            if kept_bytes > self._limit_bytes and folder not in {*self._used, *named}:
                shutil.rmtree(folder, ignore_errors=True)
                record.unlink(missing_ok=True)
        for name in (self._artifacts / ARTIFACTS).glob(f"{NAME_PREFIX}*"):
            if not name.exists():
                name.unlink(missing_ok=True)

    def _named_by_hand(self) -> set[Path]:
        """Artifacts that somebody gave a name, and so wants to keep."""
        links = (path for path in (self._artifacts / ARTIFACTS).glob("*") if path.is_symlink())
        return {
            link.parent / os.readlink(link)
            for link in links
            if not link.name.startswith(NAME_PREFIX)
        }

    def _record(self, folder: Path) -> Path:
        name = folder.relative_to(self._artifacts).as_posix().replace("/", _BETWEEN)
        return self._artifacts / _RECORDS / name


def _own_bytes(folder: Path, seen: set[int]) -> int:
    """Bytes of files that no folder counted before: artifacts and components share theirs."""
    total = 0
    for path in folder.rglob("*"):
        told = path.lstat()
        if path.is_file() and told.st_ino not in seen:
            seen.add(told.st_ino)
            total += told.st_size
    return total
