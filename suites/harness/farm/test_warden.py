"""A job ends with its host's process, gently at first, however that ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from harness.farm.job_process import run_job_process

_PATIENCE_S = 30.0
NEVER = threading.Event()

JOB = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def end(number, frame):
    (folder / "cleaned up").touch()
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
(folder / "part").write_text(str(os.getpid()))
(folder / "part").rename(folder / "pid")
time.sleep(600)
"""


def wait_until(happened: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not happened():
        assert time.monotonic() < end_s, "it never happened"
        time.sleep(0.05)


@pytest.fixture
def job(tmp_path: Path) -> list[str]:
    return [sys.executable, "-c", JOB, str(tmp_path)]


def pid_of(folder: Path) -> int:
    wait_until((folder / "pid").exists)
    return int((folder / "pid").read_text())


def test_what_a_job_prints_is_told_and_kept_and_its_status_is_its_own(tmp_path: Path) -> None:
    told: list[str] = []
    command = [sys.executable, "-c", "print('ä line'); print('another'); raise SystemExit(12)"]
    assert run_job_process(command, tmp_path / "log", 60.0, told.append, NEVER) == 12
    assert told == ["ä line", "another"]
    assert (tmp_path / "log").read_text() == "ä line\nanother\n"


def test_a_job_that_was_killed_ends_as_a_shell_shows_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert run_job_process(command, tmp_path / "log", 60.0, lambda line: None, NEVER) == 137


def test_a_job_that_takes_too_long_may_clean_up(tmp_path: Path, job: list[str]) -> None:
    assert run_job_process(job, tmp_path / "log", 3.0, lambda line: None, NEVER) is None
    assert (tmp_path / "cleaned up").exists()
    assert not psutil.pid_exists(pid_of(tmp_path))


def test_a_job_may_clean_up_when_its_host_ends(tmp_path: Path, job: list[str]) -> None:
    ending = threading.Event()
    threading.Thread(target=lambda: (pid_of(tmp_path), ending.set())).start()
    assert run_job_process(job, tmp_path / "log", 600.0, lambda line: None, ending) is None
    assert (tmp_path / "cleaned up").exists()


@pytest.mark.parametrize("victim", ["host", "warden"])
def test_a_job_does_not_outlive_whoever_started_it(
    tmp_path: Path, job: list[str], victim: str
) -> None:
    program = "import sys; from harness.farm.job_process import run_job_process as run; "
    program += "from pathlib import Path; from threading import Event; "
    program += f"run({job!r}, Path({str(tmp_path / 'log')!r}), 600, print, Event())"
    with subprocess.Popen([sys.executable, "-c", program]) as host:
        pid = pid_of(tmp_path)
        [warden] = psutil.Process(host.pid).children()
        os.kill(host.pid if victim == "host" else warden.pid, signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(pid))
        wait_until(lambda: not warden.is_running())
    assert (tmp_path / "cleaned up").exists()
