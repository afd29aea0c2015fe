"""The machine is measured alone or worked on together, never both, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import harness
from harness.devices.lease import Share, machine_lease

HOLD = """
import sys
from pathlib import Path
from harness.devices.lease import machine_lease

with machine_lease(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""
SOON_S = 0.3
"""Long enough for a free lease to be taken; a held one must not be taken after it either."""
LATE_S = 30.0


@contextmanager
def holder(folder: Path, share: Share) -> Iterator[subprocess.Popen[str]]:
    """Another process that asks for the lease, says ``held`` and keeps it until told to end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), share],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(harness.__file__).parents[1],
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until_held(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"


def let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(LATE_S) == 0


class Asker(threading.Thread):
    """Asks for the lease in this process; ``granted`` is set once it holds it."""

    def __init__(self, folder: Path, share: Share) -> None:
        super().__init__(daemon=True)
        self.granted = threading.Event()
        self._done = threading.Event()
        self._folder = folder
        self._share = share
        self.start()

    def run(self) -> None:
        with machine_lease(self._folder, self._share):
            self.granted.set()
            self._done.wait(LATE_S)

    def finish(self) -> None:
        self._done.set()
        self.join(LATE_S)


@pytest.mark.parametrize(
    ("held", "asked"),
    [("exclusive", "shared"), ("shared", "exclusive"), ("exclusive", "exclusive")],
)
def test_whoever_measures_is_alone(tmp_path: Path, held: Share, asked: Share) -> None:
    with holder(tmp_path, held) as other:
        wait_until_held(other)
        asker = Asker(tmp_path, asked)
        assert not asker.granted.wait(SOON_S)
        let_go(other)
        assert asker.granted.wait(LATE_S)
        asker.finish()


def test_other_work_shares_the_machine(tmp_path: Path) -> None:
    with holder(tmp_path, "shared") as one, holder(tmp_path, "shared") as two:
        wait_until_held(one)
        wait_until_held(two)
        with machine_lease(tmp_path, "shared"):
            assert one.poll() is None
            assert two.poll() is None


@pytest.mark.parametrize("share", ["exclusive", "shared"])
def test_a_killed_holder_frees_the_machine(tmp_path: Path, share: Share) -> None:
    with holder(tmp_path, share) as other:
        wait_until_held(other)
        os.kill(other.pid, signal.SIGKILL)
        other.wait(LATE_S)
        asker = Asker(tmp_path, "exclusive")
        assert asker.granted.wait(LATE_S)
        asker.finish()


def test_a_stream_of_shared_work_does_not_keep_a_measurement_out(tmp_path: Path) -> None:
    """Shared work that comes after a waiting measurement queues behind it."""
    with holder(tmp_path, "shared") as running:
        wait_until_held(running)
        measurement = Asker(tmp_path, "exclusive")
        assert not measurement.granted.wait(SOON_S)
        newcomer = Asker(tmp_path, "shared")
        assert not newcomer.granted.wait(SOON_S)
        let_go(running)
        assert measurement.granted.wait(LATE_S)
        assert not newcomer.granted.wait(SOON_S)
        measurement.finish()
        assert newcomer.granted.wait(LATE_S)
        newcomer.finish()


def test_a_failing_holder_frees_the_machine(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="measured nothing"), machine_lease(tmp_path, "exclusive"):
        raise ValueError("measured nothing")
    asker = Asker(tmp_path, "exclusive")
    assert asker.granted.wait(LATE_S)
    asker.finish()
