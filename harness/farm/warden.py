"""The process between a host and a job: ``python -m harness.farm.warden COMMAND ...``.

Jobs must not outlive their host's process, however that ended: their phones would stay claimed and
another host would do the same beside them. So this one holds the job in a process group of its own
and ends it, gently at first, as soon as its standard input does; and dies with it in any case.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial

from harness.parent_process import ask_for_signal
from harness.program import run_program

GRACE_S = 20.0
"""In which a session lets go of its phone and writes its last row."""


def main(command: Sequence[str]) -> int:
    """Run a command; returns its exit status, above 128 for a signal as a shell shows it."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=partial(ask_for_signal, signal.SIGTERM),  # no thread runs yet
    ) as job:
        threading.Thread(target=_end_when_left, args=(job,), daemon=True).start()
        signal.signal(signal.SIGTERM, lambda number, frame: _signal(job, signal.SIGTERM))
        status = job.wait()
    return status if status >= 0 else 128 - status


def _end_when_left(job: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _signal(job, signal.SIGTERM)
    try:
        job.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _signal(job, signal.SIGKILL)


def _signal(job: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the job and all that it started, which its group are."""
    if job.poll() is None:
        os.killpg(job.pid, number)


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]), readers="programs")
