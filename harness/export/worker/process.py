"""Running the exporting process and following it. Imports without torch."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, BinaryIO

import harness
from harness.artifacts.artifact import sha256_of
from harness.artifacts.manifest import ComponentFile
from harness.errors import UserError
from harness.export.side_by_side import ExportProcesses
from harness.export.worker.messages import ReportStage, StageBegun, Task, TaskEnded
from harness.full_disk import check_room
from harness.kept_output import last_lines, read_kept
from harness.machine_memory import MemoryRoom, memory_room
from harness.measure.wording import end_in_words
from harness.vocabulary import Component

_WAITING = {"OMP_WAIT_POLICY": "passive"}
"""Threads of torch sleep while they wait for each other. Otherwise they spin, and as soon as there
are more threads than cores in the place of the one that they wait for: calibrating beside other
work took 2.6 times the CPU seconds and up to four times as long."""

_LONGEST_LINE = 1 << 20
"""Kept of a line that a library prints without an end."""


class ExportFailed(RuntimeError):
    """The exporting process died: for lack of memory, or a defect of ours or of a library.

    Attributes:
        component: What it was exporting.
        exit_code: Of the process; negative for the signal that ended it.
        log: What it printed, kept beside the cache's components.
        sentence: Why, as far as that is known, and what to do.
    """

    def __init__(self, component: Component, exit_code: int, log: Path, before: MemoryRoom) -> None:
        self.component = component
        self.exit_code = exit_code
        self.log = log
        self.sentence = f"the export of {component} {end_in_words(exit_code)}; "
        if exit_code == -signal.SIGKILL:
            self.sentence += _why_killed(before)
        else:
            self.sentence += f"read the log that was kept in {log}"
        tail = "\n".join(last_lines(read_kept(log)))
        super().__init__(f"{self.sentence}\n{tail}".rstrip())


def _why_killed(before: MemoryRoom) -> str:
    """What was true of memory when it began, and what is known of who ended it."""
    kills, now = before.kills, memory_room().kills
    if kills is not None and now is not None and now > kills:
        who = "the kernel ended it at the memory limit of this container or control group"
    else:
        who = "that is what the kernel does for lack of memory, or somebody did it by hand"
    return (
        f"{who}: {before.described} when it began; free memory, raise the limit, or export on a "
        "larger machine"
    )


def run_worker(
    task: Task, logs: Path, report: ReportStage, processes: ExportProcesses
) -> ComponentFile:
    """Export one component in a process of its own.

    Args:
        task: What to export and where to.
        logs: Folder that keeps the log of a process that died.
        report: Told the stages.
        processes: Of the export, which the worker joins.

    Raises:
        ExportOver: If the export ended meanwhile.
        UserError: If the worker says that the user can mend it.
        ExportFailed: If the worker died.
        OSError: If that may be for want of room where it was to write.
    """
    config, folder = task.config, task.output.parent
    before = memory_room()
    log_path = folder / "export.log"
    with log_path.open("wb") as log:
        outcome, exit_code = _run(task, log, report, processes)
    if outcome is not None and outcome.user_error:
        raise UserError(outcome.user_error)
    if outcome is None or exit_code != 0:
        # Its own words about that are lost where its log is on the same disk.
        check_room(task.output.parent)
        kept_log = Path(shutil.copyfile(log_path, logs / f"{config.folder_name}.log"))
        raise ExportFailed(config.component, exit_code, kept_log, before)
    return ComponentFile(
        component=config.component,
        precision=config.precision,
        key=config.key,
        file=config.file_name,
        sha256=sha256_of(task.output),
        weights_sha256=config.weights_sha256,
        pte_bytes=task.output.stat().st_size,
        export_s=round(outcome.export_s, 3),
        export_peak_rss_mib=round(outcome.peak_rss_mib, 1),
        graphs=outcome.graphs,
    )


def _run(
    task: Task, log: BinaryIO, report: ReportStage, processes: ExportProcesses
) -> tuple[TaskEnded | None, int]:
    """What the process said last, None if it did not get that far, and its exit code."""
    package_root = str(Path(harness.__file__).parents[1])
    search_path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    processes.check()
    with (
        subprocess.Popen(
            [sys.executable, "-m", "harness.export.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            errors="replace",
            env={**_WAITING, **os.environ, "PYTHONPATH": search_path},
        ) as worker,
        processes.running(worker),
    ):
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            _hand_over(task, worker.stdin)
            outcome = _follow(worker.stdout, report)
            # A worker that has said all is still on its way out, and dies if its input closes.
            exit_code = worker.wait()
        except BaseException:
            worker.kill()
            worker.wait()
            raise
    return outcome, exit_code


def _hand_over(task: Task, worker_input: IO[str]) -> None:
    """Tell the worker its task; one that died before it read of it tells more by how it ended."""
    try:
        worker_input.write(task.model_dump_json() + "\n")
        worker_input.flush()
    except BrokenPipeError:
        with suppress(BrokenPipeError):  # What could not be written is tried again here, in vain.
            worker_input.close()


def _follow(lines: IO[str], report: ReportStage) -> TaskEnded | None:
    """Pass the worker's stages on until it ends; None if it ended without an outcome."""
    outcome = None
    while line := lines.readline(_LONGEST_LINE):
        try:
            message = json.loads(line)
        except ValueError:
            # Libraries print to standard output too; that is no message of ours.
            continue
        if isinstance(message, dict) and "stage" in message:
            report(StageBegun.model_validate(message).stage)
        elif isinstance(message, dict) and "export_s" in message:
            outcome = TaskEnded.model_validate(message)
    return outcome
