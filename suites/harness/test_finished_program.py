"""Programs are run for what they print, however much that is and whoever holds their pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from harness.finished_program import run_to_end
from harness.kept_output import HEAD_BYTES, TAIL_BYTES


def test_output_errors_and_exit_code_are_told() -> None:
    done = run_to_end(("sh", "-c", "cat; echo said; echo wrong >&2; exit 3"), 30.0, {"A": "b"})
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "wrong\n")


def test_of_a_chatty_program_head_and_tail_are_kept() -> None:
    printed = "print('begun'); [print('x' * 99) for _ in range(200_000)]; print('ended')"
    done = run_to_end((sys.executable, "-c", printed), 60.0)
    assert done.stdout.startswith("begun\n")
    assert done.stdout.endswith("ended\n")
    assert "bytes left out" in done.stdout
    assert len(done.stdout) < HEAD_BYTES + TAIL_BYTES + 1000


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_to_end(("sleep", "600"), 0.2)


def test_a_daemon_that_keeps_the_pipes_is_not_waited_for() -> None:
    done = run_to_end(("sh", "-c", "echo started; sleep 600 & echo $!"), 500.0)
    started, daemon = done.stdout.split()
    # It would be gone if it had been waited for.
    os.kill(int(daemon), signal.SIGKILL)
    assert started == "started"
