"""A runner does not outlive the process that started it, whatever it is at."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_CHILD = (
    "import ctypes; from harness.parent_process import end_with_parent; end_with_parent(0, 1); "
    "print('ready', flush=True); {work}"
)
_PARENT = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]], "
    "stdin=open(sys.argv[2], 'rb'))"
)


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("import time; time.sleep(600)", id="python"),
        pytest.param("ctypes.PyDLL(None).sleep(600)", id="a call that lets no Python run"),
    ],
)
def test_a_killed_parent_takes_it_along(work: str, tmp_path: Path) -> None:
    """Its standard input stays open, so that the kernel alone can tell."""
    stays_open = tmp_path / "fifo"
    os.mkfifo(stays_open)
    holder = os.open(stays_open, os.O_RDWR)
    try:
        parent = subprocess.Popen(
            [sys.executable, "-c", _PARENT, _CHILD.format(work=work), str(stays_open)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        with parent:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"ready\n"
            parent.send_signal(signal.SIGKILL)
            # The child holds the other end of the pipe until it has ended.
            os.set_blocking(parent.stdout.fileno(), False)
            assert _is_at_its_end(parent.stdout.fileno())
    finally:
        os.close(holder)


def _is_at_its_end(pipe: int) -> bool:
    """Whether nobody holds the other end of a pipe any more, in good time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return os.read(pipe, 1) == b""
        except BlockingIOError:
            time.sleep(0.01)
    return False
