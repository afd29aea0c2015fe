"""Whatever ends a run apart, its parent lives and says so in a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import harness

ROOT = str(Path(harness.__file__).parents[1])
RUN = """
import os, signal, sys, time
from harness.program import run_program
from harness.runtime.apart import run_apart

def work():
    print(os.getpid(), flush=True)
    {body}
    return 7

run_program(lambda: run_apart(work))
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": ROOT}


def ended(body: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN.format(body=body)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)


def test_an_exit_status_is_passed_on() -> None:
    assert (ended("pass").returncode, ended("sys.exit(3)").returncode) == (7, 3)


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"])
def test_a_crash_is_one_sentence(name: str) -> None:
    result = ended(f"os.kill(os.getpid(), signal.{name})")
    assert result.returncode == 2
    assert result.stderr == (
        f"error: The run was ended by {name}: a .pte that it ran is damaged or of another "
        "ExecuTorch; copy or export it again.\n"
    )


def test_the_end_of_memory_is_told_apart() -> None:
    result = ended("os.kill(os.getpid(), signal.SIGKILL)")
    assert (result.returncode, "memory ran out" in result.stderr) == (2, True)


def test_a_pipe_that_nobody_reads_and_ctrl_c_need_no_words() -> None:
    reset = "signal.signal(signal.{0}, signal.SIG_DFL); os.kill(os.getpid(), signal.{0})"
    for name, status in (("SIGPIPE", 141), ("SIGINT", 130)):
        result = ended(reset.format(name))
        assert (result.returncode, result.stderr) == (status, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_its_parent_is_ended(number: signal.Signals) -> None:
    command = [sys.executable, "-c", RUN.format(body="time.sleep(600)")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.send_signal(number)
        # The child holds standard output as long as it lives.
        parent.stdout.read()
        parent.wait()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{child}").exists()
    assert parent.returncode == (130 if number == signal.SIGINT else -number)
