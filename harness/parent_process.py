"""The process that started the runner, which the runner does not outlive."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
"""Of ``prctl(2)``."""


def end_with_parent(pipe: int, status: int) -> None:
    """End this process as soon as its parent has, however that ended.

    The kernel does it on Linux, also while a library that loads or a kernel that computes lets no
    Python run; only for a parent whose starting thread waits for this process, as its death counts.
    Elsewhere, and for a parent that is gone already, a thread waits for the end of a pipe.

    Args:
        pipe: Descriptor whose other end the parent alone holds open.
        status: Exit status then, where a thread ends the process.
    """
    ask_for_signal(signal.SIGKILL)
    threading.Thread(target=_wait_for_end, args=(pipe, status), daemon=True).start()


def ask_for_signal(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent's starting thread dies, on Linux.

    Args:
        number: What is sent.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def _wait_for_end(pipe: int, status: int) -> None:
    # Not through sys.stdin, whose lock a thread that waits in it would hold at shutdown.
    while os.read(pipe, 1024):
        pass
    os._exit(status)
