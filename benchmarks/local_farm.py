"""A farm on this machine, of processes as people start them: for measuring one, and for tests."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import harness
from harness.farm.certificates import make_certificates

ROOT = Path(harness.__file__).parents[1]
_PATIENCE_S = 240.0
SCHEDULER = "scheduler"


class LocalFarm:
    """Scheduler and workers that speak TLS on loopback; ended with the block.

    Args:
        folder: Takes certificates, logs, the store and what jobs need.
        hosts: Names of its hosts.
        store: Address of the store; None for a folder.
    """

    def __init__(self, folder: Path, hosts: Sequence[str], store: str | None = None) -> None:
        self.folder = folder
        self.hosts = tuple(hosts)
        self.store = store or str(folder / "störe")
        self.address = f"tls://127.0.0.1:{_free_port()}"
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
            self.wait_for(self.hosts)
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
        words = [SCHEDULER] if name == SCHEDULER else self._worker_words(name)
        words += ["--scheduler", self.address, "--certificates", str(self.certificates)]
        log = self._stack.enter_context((self.folder / f"{name}.log").open("ab"))
        process = subprocess.Popen(
            [sys.executable, "-m", "harness", "farm", *words], cwd=ROOT, stdout=log, stderr=log
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

    def _worker_words(self, name: str) -> list[str]:
        words = ["worker", "--host-name", name, "--no-phones", "--store", self.store]
        return [*words, "--work-dir", str(self.folder / "work")]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(_PATIENCE_S)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
