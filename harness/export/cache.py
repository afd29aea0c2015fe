"""Content-addressed store of exported components. Imports without torch."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ValidationError

from harness.artifacts.artifact import file_fault
from harness.artifacts.atomic_file import write_text
from harness.artifacts.manifest import ComponentFile
from harness.errors import UserError
from harness.export.inputs.build_config import KEY_LETTERS, BuildConfig
from harness.full_disk import REFUSALS, free_bytes, is_full
from harness.lock_file import NoLockFile, check_lock_file

RECORD_NAME = "component.json"
_POLL_S = 0.5

Build = Callable[[Path], ComponentFile]
"""Writes the component's file into the folder it is given and describes it."""
Tell = Callable[[str], None]
"""Shows one sentence to whoever waits."""


class ComponentRecord(BaseModel, frozen=True, extra="forbid"):
    """What a component's folder says about itself."""

    config: BuildConfig
    file: ComponentFile


@dataclass(frozen=True)
class CachedComponent:
    """A component whose checksum was just verified."""

    directory: Path
    file: ComponentFile
    reused: bool

    @property
    def path(self) -> Path:
        """The ``.pte``."""
        return self.directory / self.file.file


class CacheNotWritable(UserError):
    """The file system does not take what is exported.

    Attributes:
        is_full: Whether room is what it lacks.
    """

    def __init__(self, told: str, is_full: bool) -> None:
        super().__init__(told)
        self.is_full = is_full


class _Faulty(Exception):
    """A component's folder is not what it claims; the message says why."""


class ComponentCache:
    """Folder of components, safe for any number of processes on one machine.

    Only whole folders appear under ``components``: they are built under ``building`` and moved
    with one ``os.replace``. A lock file per key, freed by process death, keeps builders apart. A
    folder that is not what it claims is moved to ``rejected`` and built anew.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.components = root / "components"
        self.building = root / "building"
        self.rejected = root / "rejected"
        self.locks = root / "locks"
        self.logs = root / "logs"
        with writing_to(root):
            for name in (self.components, self.building, self.rejected, self.locks, self.logs):
                name.mkdir(parents=True, exist_ok=True)

    def get_or_build(
        self, config: BuildConfig, build: Build, tell: Tell, check: Callable[[], None]
    ) -> CachedComponent:
        """Return the component, building it if no valid one is there.

        Args:
            config: What is wanted.
            build: Called at most once, by one process at a time per key.
            tell: Told who builds while this process waits, and what was rejected and why.
            check: Asked again and again meanwhile; ends the wait by what it raises.

        Raises:
            UserError: If something must be built and the cache is full or cannot be written.
        """
        with suppress(_Faulty):
            found = self._find(config)
            if found is not None:
                return found
        with writing_to(self.root), self._builder(config, tell, check):
            try:
                found = self._find(config)
            except _Faulty as fault:
                tell(f"{config.folder_name} {fault}; it is set aside and built again")
                self._set_aside(config)
                found = None
            return found if found is not None else self._build(config, build)

    def _build(self, config: BuildConfig, build: Build) -> CachedComponent:
        self._clear_away(config.key)
        workspace = self.building / f"{config.folder_name}-{secrets.token_hex(4)}"
        workspace.mkdir()
        try:
            file = build(workspace)
            record = ComponentRecord(config=config, file=file)
            write_text(workspace / RECORD_NAME, record.model_dump_json(indent=2))
            os.replace(workspace, self.components / config.folder_name)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)
        return CachedComponent(self.components / config.folder_name, file, reused=False)

    def _find(self, config: BuildConfig) -> CachedComponent | None:
        directory = self.components / config.folder_name
        if not directory.exists():
            return None
        return CachedComponent(directory, _valid_file(directory, config), reused=True)

    def _set_aside(self, config: BuildConfig) -> None:
        aside = self.rejected / f"{config.folder_name}-{secrets.token_hex(4)}"
        os.replace(self.components / config.folder_name, aside)

    def _clear_away(self, own_key: str) -> None:
        """Remove what builders left that were killed: nobody holds the lock of their key."""
        for lock_path in self.locks.glob("*.lock"):
            leftovers = list(self.building.glob(f"*-{lock_path.stem[:KEY_LETTERS]}-*"))
            if not leftovers:
                continue
            lock = FileLock(lock_path)
            with suppress(Timeout, NoLockFile):
                if lock_path.stem != own_key:
                    check_lock_file(lock_path)
                    lock.acquire(timeout=0)
                for leftover in leftovers:
                    shutil.rmtree(leftover, ignore_errors=True)
            lock.release()

    @contextmanager
    def _builder(
        self, config: BuildConfig, tell: Tell, check: Callable[[], None]
    ) -> Iterator[None]:
        lock_path = self.locks / f"{config.key}.lock"
        check_lock_file(lock_path)
        lock = FileLock(lock_path)
        who = self.locks / f"{config.key}.json"
        waited = False
        while True:
            check()
            try:
                lock.acquire(timeout=_POLL_S)
                break
            except Timeout:
                if not waited:
                    tell(f"waiting for {config.component}: {_builder_of(who)} is building it")
                waited = True
        try:
            builder = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
            write_text(who, json.dumps(builder))
            yield
        finally:
            who.unlink(missing_ok=True)
            lock.release()


@contextmanager
def writing_to(root: Path) -> Iterator[None]:
    """Say what to do when the file system refuses to take what is written.

    Raises:
        CacheNotWritable: If the cache at ``root`` is full or cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        free = f": {free_bytes(root) / 2**20:,.1f} MiB are free" if is_full(error) else ""
        raise CacheNotWritable(
            f"The artifact cache {root} cannot be written ({error.strerror}){free}; "
            "name another folder with --artifacts.",
            is_full=is_full(error),
        ) from error


def _valid_file(directory: Path, config: BuildConfig) -> ComponentFile:
    """The file of a component folder that may be used; raises ``_Faulty`` otherwise."""
    try:
        record = ComponentRecord.model_validate_json((directory / RECORD_NAME).read_text())
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise _Faulty("has no valid record") from error
    if record.config.key != config.key:
        raise _Faulty("was made for another order")
    fault = file_fault(directory / record.file.file, record.file)
    if fault:
        raise _Faulty(fault)
    return record.file


def _builder_of(who: Path) -> str:
    try:
        check_lock_file(who)
        builder = json.loads(who.read_text())
        seconds = time.time() - builder["since"]
        return f"process {builder['pid']} on {builder['host']}, for {seconds:.0f} s,"
    except (NoLockFile, OSError, ValueError, KeyError, TypeError):
        return "another process"
