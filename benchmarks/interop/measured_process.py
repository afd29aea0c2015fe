"""Wall time and memory of a command with all that it starts."""

from __future__ import annotations

import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_POLL_S = 0.05
_MIB = 1 << 20


@dataclass(frozen=True)
class ProcessCost:
    """What a finished command took.

    Attributes:
        wall_s: From its start to its end.
        cpu_s: Of it and its descendants, user and system: what of ``wall_s`` other load on the
            machine cannot have caused.
        peak_rss_mib: Largest sum of resident sets over the command and its descendants, looked at
            every 50 ms; what a child shares with its parent until it has become another program
            is counted once.
        exit_code: As subprocess gives it.
    """

    wall_s: float
    cpu_s: float
    peak_rss_mib: float
    exit_code: int


def run_measured(command: Sequence[str], log: Path) -> ProcessCost:
    """Run a command to its end.

    The sum over processes is what a machine must have; ``RUSAGE_CHILDREN`` would give the largest
    single process, which favours whoever splits the work.

    Args:
        command: Program and arguments.
        log: Gets standard output and standard error.
    """
    started, cpu_before_s = time.monotonic(), _children_cpu_s()
    with (
        log.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as process,
    ):
        peak = _PeakRss(process.pid)
        exit_code = process.wait()
        wall_s = time.monotonic() - started
        peak.stop()
    cpu_s = _children_cpu_s() - cpu_before_s
    return ProcessCost(wall_s, cpu_s, peak.bytes / _MIB, exit_code)


def _children_cpu_s() -> float:
    """CPU time of all children that have ended so far, their own ended children included."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class _PeakRss:
    """Watches a process tree from a thread."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._root = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_S):
            self.bytes = max(self.bytes, self._sum())

    def _sum(self) -> int:
        total = 0
        # Any of them may end between being listed and being read.
        with suppress(psutil.NoSuchProcess):
            for process in (self._root, *self._root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    if process == self._root or not _is_still_its_parent(process):
                        total += process.memory_info().rss
        return total


def _is_still_its_parent(process: psutil.Process) -> bool:
    """Whether a process was forked and has yet to become the program it is for.

    Until then it shows its parent's pages as its own: ExecuTorch starts ``flatc`` many times, and
    each start would count half a GiB twice.
    """
    parent = process.parent()
    if parent is None or process.cmdline() != parent.cmdline():
        return False
    size: int = process.memory_info().vms
    return size == parent.memory_info().vms
