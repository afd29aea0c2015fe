"""Components that are exported at the same time, each by a process of its own.

Most of an export is one thread of Python, so that a second core would have nothing to do.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from harness.export.needs import ArtifactNeed
from harness.machine_memory import MemoryRoom
from harness.processors import usable_processors

Built = TypeVar("Built")
Key = TypeVar("Key", bound=str)

_SPARE = 0.8
"""Share of the memory that is there which an export may count on: others want some, too."""

_WORTH_IT_S = 20.0
"""Seconds that the second longest component takes, from which on it is worth the memory."""


class ExportOver(Exception):
    """The export that this was a part of has ended."""


class ExportProcesses:
    """The processes of one export, which end when it does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_over = False

    def check(self) -> None:
        """Do not go on with an export that is over.

        Raises:
            ExportOver: If it is.
        """
        if self._is_over:
            raise ExportOver

    @contextmanager
    def running(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """While a process runs.

        Raises:
            ExportOver: Behind it, if it was ended with its export.
        """
        with self._lock:
            self._running.add(process)
            if self._is_over:
                process.kill()
        try:
            yield
        finally:
            with self._lock:
                self._running.discard(process)
        self.check()

    def end(self) -> None:
        """Kill those that run, and let no other one begin."""
        with self._lock:
            self._is_over = True
            for process in self._running:
                process.kill()


def at_once(need: ArtifactNeed, room: MemoryRoom, cores: int | None = None) -> int:
    """How many components are exported at a time: two where that is worth it and memory allows it.

    Args:
        need: Of those that are to be exported.
        room: What memory there is.
        cores: That this process may use; None for as many as the system says.
    """
    usable = usable_processors() if cores is None else cores
    if usable < 2 or len(need.components) < 2:
        return 1
    second_s = sorted(one.export_s for one in need.components)[-2]
    together_mib = sum(sorted(one.peak_rss_mib for one in need.components)[-2:])
    fits = together_mib * 2**20 <= room.available_bytes * _SPARE
    return 2 if fits and second_s >= _WORTH_IT_S else 1


def build_side_by_side(
    builds: Mapping[Key, Callable[[Callable[[str], None]], Built]],
    report: Callable[[Key, str], None],
    processes: ExportProcesses,
    workers: int,
) -> dict[Key, Built]:
    """Build components, and report what they are at in the thread that asked for them.

    Args:
        builds: By component, in the order in which they begin; each is given what it reports to.
        report: Told component and stage.
        processes: Of all of them; they end when one of them fails, or whoever waits is interrupted.
        workers: How many at a time.

    Returns:
        By component, in the order of ``builds``.

    Raises:
        Exception: What the first of them that failed raised.
    """
    told: SimpleQueue[tuple[Key, str | Future[Built]]] = SimpleQueue()
    found: dict[Key, Built] = {}
    with ThreadPoolExecutor(workers) as pool:
        try:
            for key, build in builds.items():
                future = pool.submit(build, _teller(told, key))
                future.add_done_callback(partial(_tell_end, told, key))
            while len(found) < len(builds):
                key, message = told.get()
                if isinstance(message, str):
                    report(key, message)
                else:
                    found[key] = message.result()
        except BaseException:
            processes.end()
            pool.shutdown(cancel_futures=True)
            raise
    return {key: found[key] for key in builds}


def _teller(told: SimpleQueue[tuple[Key, str | Future[Built]]], key: Key) -> Callable[[str], None]:
    return lambda stage: told.put((key, stage))


def _tell_end(
    told: SimpleQueue[tuple[Key, str | Future[Built]]], key: Key, future: Future[Built]
) -> None:
    told.put((key, future))
