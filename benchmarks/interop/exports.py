"""One miniature exported by upstream and by us, each in its own processes, and what these took."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.artifacts.artifact import open_artifact
from harness.runtime.files import RunFiles
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component, Mode

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


class ExportFailedError(RuntimeError):
    """An exporter ended with an error; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Order:
    """What both exporters are to make.

    Attributes:
        spec: A miniature.
        mode: Which decoder methods.
        soc: Compiled for.
        calibration: File of ``write_calibration``, the same for both.
    """

    spec: VlmSpec
    mode: Mode
    soc: str
    calibration: Path


@dataclass(frozen=True)
class Exported:
    """Three files and what they took."""

    files: RunFiles
    cost: ProcessCost

    def path(self, component: Component) -> Path:
        """File of one component."""
        return dict(zip(COMPONENTS, self.files.programs, strict=True))[component]


def export_upstream(order: Order, folder: Path) -> Exported:
    """Run upstream's exporter.

    Raises:
        ExportFailedError: If it did not end well.
    """
    folder.mkdir(parents=True)
    arguments = [
        *("--model", order.spec.name, "--mode", order.mode, "--soc", order.soc),
        *("--calibration", str(order.calibration), "--out", str(folder)),
    ]
    cost = _run("benchmarks.interop.upstream_exporter", arguments, folder / "export.log")
    return Exported(upstream_files(folder, order.mode), cost)


def export_ours(order: Order, folder: Path) -> Exported:
    """Run our exporter on an empty cache, with the recipe that is upstream's.

    Raises:
        ExportFailedError: If it did not end well.
    """
    folder.mkdir(parents=True)
    recipe = folder / "recipe.toml"
    recipe.write_text("[decoder]\nrotate_hidden = false\n", encoding="utf-8")
    arguments = [
        *("export", order.spec.name, "--mode", order.mode, "--soc", order.soc),
        *("--target", "emulator", "--precision", "16a8w", "--recipe", str(recipe)),
        *("--calibration", str(order.calibration), "--artifacts", str(folder / "cache")),
    ]
    cost = _run("harness", arguments, folder / "export.log")
    (made,) = (folder / "cache" / "artifacts").glob(f"{order.spec.name}-*")
    return Exported(RunFiles.of(open_artifact(made)), cost)


def upstream_files(folder: Path, mode: Mode) -> RunFiles:
    """Names that upstream's exporter gives its files (contract §1.1)."""
    return RunFiles(
        encoder=folder / "vision_encoder_qnn.pte",
        embedding=folder / "tok_embedding_qnn.pte",
        decoder=folder / f"{mode}_llama_qnn.pte",
        tokenizer=folder / "tokenizer.json",
    )


def _run(module: str, arguments: list[str], log: Path) -> ProcessCost:
    cost = run_measured([sys.executable, "-m", module, *arguments], log)
    if cost.exit_code != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise ExportFailedError(f"{module} ended with exit code {cost.exit_code}; {log}:\n{tail}")
    return cost
