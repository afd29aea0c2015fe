"""Content-addressed store of exported components. Imports without torch."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.artifacts.atomic_file import write_text
from harness.artifacts.integrity import file_fault
from harness.artifacts.manifest import ComponentFile
from harness.errors import UserError
from harness.export.order import ComponentOrder

RECORD_NAME = "component.json"
_POLL_S = 0.5

Build = Callable[[Path], ComponentFile]
"""Writes the component's file into the folder it is given and describes it."""
Tell = Callable[[str], None]
"""Shows one sentence to whoever waits."""


class ComponentRecord(BaseModel):
    """What a component's folder says about itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: ComponentOrder
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
        try:
            for directory in (self.components, self.building, self.rejected, self.locks):
                directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"The artifact cache {root} cannot be written ({error.strerror}); "
                "name another folder with --artifacts."
            ) from error

    def get_or_build(self, order: ComponentOrder, build: Build, tell: Tell) -> CachedComponent:
        """Return the component, building it if no valid one is there.

        Args:
            order: What is wanted.
            build: Called at most once, by one process at a time per key.
            tell: Told who builds while this process waits, and what was rejected and why.
        """
        found = self._find(order, tell)
        if found is not None:
            return found
        with self._builder(order, tell):
            found = self._find(order, tell)
            return found if found is not None else self._build(order, build)

    def _build(self, order: ComponentOrder, build: Build) -> CachedComponent:
        for leftover in self.building.glob(f"{order.folder_name}-*"):
            shutil.rmtree(leftover)
        workspace = self.building / f"{order.folder_name}-{secrets.token_hex(4)}"
        workspace.mkdir()
        try:
            file = build(workspace)
            record = ComponentRecord(order=order, file=file)
            write_text(workspace / RECORD_NAME, record.model_dump_json(indent=2))
            os.replace(workspace, self.components / order.folder_name)
        finally:
            shutil.rmtree(workspace, ignore_errors=True)
        return CachedComponent(self.components / order.folder_name, file, reused=False)

    def _find(self, order: ComponentOrder, tell: Tell) -> CachedComponent | None:
        directory = self.components / order.folder_name
        if not directory.exists():
            return None
        fault = _fault(directory, order)
        if fault is None:
            record = ComponentRecord.model_validate_json((directory / RECORD_NAME).read_text())
            return CachedComponent(directory, record.file, reused=True)
        tell(f"{directory.name} {fault}; it is set aside and built again")
        aside = self.rejected / f"{directory.name}-{secrets.token_hex(4)}"
        try:
            os.replace(directory, aside)
        except FileNotFoundError:
            # Another process that found the same fault was quicker.
            return None
        return None

    @contextmanager
    def _builder(self, order: ComponentOrder, tell: Tell) -> Iterator[None]:
        lock = FileLock(self.locks / f"{order.key}.lock")
        who = self.locks / f"{order.key}.json"
        waited = False
        while True:
            try:
                lock.acquire(timeout=_POLL_S)
                break
            except Timeout:
                if not waited:
                    tell(f"waiting for {order.component}: {_builder_of(who)} is building it")
                waited = True
        try:
            write_text(
                who,
                json.dumps(
                    {"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}
                ),
            )
            yield
        finally:
            who.unlink(missing_ok=True)
            lock.release()


def _fault(directory: Path, order: ComponentOrder) -> str | None:
    """Why a component folder must not be used, None if it may."""
    try:
        record = ComponentRecord.model_validate_json((directory / RECORD_NAME).read_text())
    except (OSError, ValidationError, UnicodeDecodeError):
        return "has no valid record"
    if record.order.key != order.key:
        return "was made for another order"
    return file_fault(directory / record.file.file, record.file)


def _builder_of(who: Path) -> str:
    try:
        builder = json.loads(who.read_text())
        seconds = time.time() - builder["since"]
        return f"process {builder['pid']} on {builder['host']}, for {seconds:.0f} s,"
    except (OSError, ValueError, KeyError):
        return "another process"
