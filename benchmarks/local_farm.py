"""A farm on this machine, of processes as people start them: for measuring one, and for tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import harness
from harness.farm.certificates import make_certificates

ROOT = Path(harness.__file__).parents[1]
_PATIENCE_S = 240.0
SCHEDULER = "scheduler"


@dataclass(frozen=True)
class LocalHost:
    """One host of a farm on this machine.

    Attributes:
        name: Its name.
        words: What its worker is told besides.
        environment: Variables of its own.
        port: By which it reaches the scheduler; None for the scheduler's own.
    """

    name: str
    words: tuple[str, ...] = ("--no-phones",)
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None


class LocalFarm:
    """Scheduler and workers that speak TLS on loopback; ended with the block.

    Args:
        folder: Takes certificates, logs, the store and what jobs need.
        hosts: Its hosts.
        store: Address of the store; None for a folder.
        port: Where the scheduler listens; None for any that is free.
    """

    def __init__(
        self,
        folder: Path,
        hosts: Sequence[LocalHost],
        store: str | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.hosts = {host.name: host for host in hosts}
        self.store = store or str(folder / "störe")
        self.address = f"tls://127.0.0.1:{port or free_port()}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()

    @property
    def certificates(self) -> Path:
        """Of the farm."""
        return self.folder / "certificates"

    @property
    def words(self) -> list[str]:
        """What a session says to be run by it."""
        told = ["--farm", self.address, "--certificates", str(self.certificates)]
        return [*told, "--store", self.store]

    def __enter__(self) -> Self:
        make_certificates(self.certificates)
        try:
            for name in (SCHEDULER, *self.hosts):
                self.start(name)
            self.wait_for(list(self.hosts))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def start(self, name: str) -> None:
        """Start the scheduler or a host, again if it was killed."""
        host = self.hosts.get(name)
        words = (
            [SCHEDULER, "--scheduler", self.address] if host is None else self._worker_words(host)
        )
        words += ["--certificates", str(self.certificates)]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "harness", "farm", *words],
                cwd=ROOT,
                env={**os.environ, **(host.environment if host else {})},
                stdout=log,
                stderr=log,
            )
        self._stack.callback(_end, process)
        self.processes[name] = process

    def kill(self, name: str) -> None:
        """End it as the kernel does for want of memory."""
        self.processes[name].kill()
        self.processes[name].wait()

    def status(self) -> str:
        """What ``farm status`` prints."""
        words = ["--scheduler", self.address, "--certificates", str(self.certificates)]
        told = subprocess.run(
            [sys.executable, "-m", "harness", "farm", "status", *words],
            cwd=ROOT,
            text=True,
            capture_output=True,
            timeout=_PATIENCE_S,
        )
        return told.stdout + told.stderr

    def wait_for(self, words: Sequence[str]) -> None:
        """Wait until ``farm status`` says all of them.

        Raises:
            TimeoutError: If it does not.
        """
        end_s = time.monotonic() + _PATIENCE_S
        while not all(word in (told := self.status()) for word in words):
            if time.monotonic() > end_s:
                raise TimeoutError(told)
            time.sleep(0.2)

    def _worker_words(self, host: LocalHost) -> list[str]:
        by = f"tls://127.0.0.1:{host.port}" if host.port else self.address
        words = ["worker", "--host-name", host.name, "--scheduler", by, "--store", self.store]
        return [*words, "--work-dir", str(self.folder / "work"), *host.words]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(_PATIENCE_S)


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
