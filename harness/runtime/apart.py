"""A run in a process of its own, so that whatever a file does to it ends in a sentence.

ExecuTorch takes a damaged ``.pte`` for whole more often than not, and what its kernels then do ends
their process by a signal. Imports nothing that takes time.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable

from harness.parent_process import end_with_parent
from harness.program import CLOSED_PIPE, INTERRUPTED, USER_ERROR

_PATIENCE_S = 0.5
"""After Ctrl-C, which a terminal sends to both processes, and ``kill -INT`` to one."""


def run_apart(work: Callable[[], int]) -> int:
    """Do work in a child of this process, and say in a sentence what ended it, if a signal did.

    The child ends when this process does, however that ends.

    Args:
        work: Returns the exit status.

    Returns:
        The exit status: the child's, or 2 after a signal; 130 and 141 for those of Ctrl-C and of a
        pipe that nobody reads.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(theirs)
        end_with_parent(ours, USER_ERROR)
        return work()
    os.close(ours)
    try:
        status = os.waitstatus_to_exitcode(_wait(child))
    finally:
        os.close(theirs)
    return status if status >= 0 else _status_of(-status)


def _wait(child: int) -> int:
    try:
        return os.waitpid(child, 0)[1]
    except KeyboardInterrupt:
        return _wait_interrupted(child)


def _wait_interrupted(child: int) -> int:
    deadline = time.monotonic() + _PATIENCE_S
    try:
        while time.monotonic() < deadline:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
            time.sleep(0.01)
        os.kill(child, signal.SIGINT)
        return os.waitpid(child, 0)[1]
    except KeyboardInterrupt:
        # Within a kernel no Python sees the first.
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return signal.SIGINT


def _status_of(number: int) -> int:
    if number in (signal.SIGINT, signal.SIGPIPE):
        return INTERRUPTED if number == signal.SIGINT else CLOSED_PIPE
    name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
    cause = (
        "memory ran out, or somebody ended it; free memory, or look at who did"
        if number in (signal.SIGKILL, signal.SIGTERM)
        else "a .pte that it ran is damaged or of another ExecuTorch; copy or export it again"
    )
    print(f"error: The run was ended by {name}: {cause}.", file=sys.stderr)
    return USER_ERROR
