"""A job's process on its host: how it is started, watched and what its end means."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import harness
from harness.options.adb_environment import SERIAL

_ROOT = Path(harness.__file__).parents[1]
_LOOK_S = 0.5
_LONGEST_TOLD = 500
"""Characters of a line that travel; the log has all of it."""


def run_job_process(
    command: Sequence[str],
    log: Path,
    limit_s: float,
    tell: Callable[[str], None],
    ending: threading.Event,
) -> int | None:
    """Run a command to its end, as this process's own child that dies with it.

    Args:
        command: What is to be run, in the clone that this code is of.
        log: What it prints goes there.
        limit_s: Wall time until it is ended.
        tell: Told each line that it printed.
        ending: Set when it has to end at once.

    Returns:
        Its exit status, above 128 for a signal as a shell shows it; None if it was ended.
    """
    end_s = time.monotonic() + limit_s
    with (
        log.open("wb") as output,
        log.open("r", encoding="utf-8", errors="replace") as printed,
        subprocess.Popen(
            [sys.executable, "-m", "harness.farm.warden", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=_ROOT,
            env=_environment(),
        ) as warden,
    ):
        assert warden.stdin is not None
        while warden.poll() is None and time.monotonic() < end_s and not ending.is_set():
            with suppress(subprocess.TimeoutExpired):
                warden.wait(_LOOK_S)
            _tell_new(printed.readlines(), tell)
        is_over = warden.poll() is not None
        # Its end is the warden's sign to end the job.
        warden.stdin.close()
        status = warden.wait()
        _tell_new(printed.readlines(), tell)
    return status if is_over else None


def _environment() -> dict[str, str]:
    """This process's, but for the phone that it may name: each job is given one, or none."""
    path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if name != SERIAL}
    return {**kept, "PYTHONPATH": path}


def _tell_new(lines: Sequence[str], tell: Callable[[str], None]) -> None:
    for line in lines:
        if stripped := line.rstrip():
            tell(stripped[:_LONGEST_TOLD])
