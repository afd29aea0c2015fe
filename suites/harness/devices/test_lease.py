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
from harness.devices.lease import (
    LEASE_DIR_VARIABLE,
    LeaseKind,
    check_lease,
    lease_folder,
    machine_lease,
    open_lock,
)
from harness.devices.phone.exclusive_use import holder_of
from harness.errors import UserError
from suites.harness.test_lock_file import PUT_THERE

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
def holder(folder: Path, share: LeaseKind) -> Iterator[subprocess.Popen[str]]:
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

    def __init__(self, folder: Path, share: LeaseKind) -> None:
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
def test_whoever_measures_is_alone(tmp_path: Path, held: LeaseKind, asked: LeaseKind) -> None:
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
def test_a_killed_holder_frees_the_machine(tmp_path: Path, share: LeaseKind) -> None:
    with holder(tmp_path, share) as other:
        wait_until_held(other)
        os.kill(other.pid, signal.SIGKILL)
        other.wait(LATE_S)
        asker = Asker(tmp_path, "exclusive")
        assert asker.granted.wait(LATE_S)
        asker.finish()


def test_who_has_to_wait_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    with machine_lease(tmp_path, "exclusive", lambda: told.append("free")):
        assert told == []
    with holder(tmp_path, "exclusive") as measuring:
        wait_until_held(measuring)

        def wait() -> None:
            told.append("waiting")
            measuring.kill()

        with machine_lease(tmp_path, "shared", wait):
            assert told == ["waiting"]


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


def test_all_users_find_the_same_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever each has for a temporary folder; one that is named wins."""
    monkeypatch.delenv(LEASE_DIR_VARIABLE, raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert lease_folder() == Path("/tmp/snapgate-lease")
    monkeypatch.setenv(LEASE_DIR_VARIABLE, str(tmp_path / "mine"))
    assert lease_folder() == tmp_path / "mine"


def test_everybody_may_take_the_lease_and_nobody_remove_it(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        check_lease(tmp_path / "lease")
    finally:
        os.umask(umask)
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "lease").iterdir()}
    assert modes == {"machine.lock": 0o666, "turnstile.lock": 0o666}
    assert (tmp_path / "lease").stat().st_mode & 0o7777 == 0o1777


def test_a_linked_folder_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.mkdir(0o700)
    (tmp_path / "lease").symlink_to(target)
    with pytest.raises(UserError, match=rf"cannot be opened .*{LEASE_DIR_VARIABLE}"):
        check_lease(tmp_path / "lease")
    assert target.stat().st_mode & 0o7777 == 0o700
    assert list(target.iterdir()) == []


def test_a_linked_lock_is_refused_and_its_target_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "theirs"
    target.touch(0o600)
    folder = tmp_path / "lease"
    folder.mkdir()
    (folder / "machine.lock").symlink_to(target)
    with (
        pytest.raises(UserError, match=r"machine\.lock cannot be opened"),
        machine_lease(folder, "shared"),
    ):
        pass
    assert target.stat().st_mode & 0o7777 == 0o600


def test_a_file_in_the_folders_place_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "lease").touch()
    with pytest.raises(UserError, match="cannot be opened"):
        check_lease(tmp_path / "lease")


@pytest.mark.parametrize("put", PUT_THERE)
@pytest.mark.parametrize("name", ["machine.lock", "phone-SHELF-3.lock"])
def test_what_somebody_put_in_a_locks_place_is_named_at_once(
    tmp_path: Path, put: str, name: str
) -> None:
    folder = tmp_path / "lease"
    folder.mkdir()
    kind = PUT_THERE[put](folder / name)
    with (
        pytest.raises(UserError, match=rf"{name} cannot be opened \(it is {kind}"),
        open_lock(folder, name),
    ):
        pass
    assert (folder / name).is_symlink() or (folder / name).exists()


def test_whoever_asks_for_the_holder_of_a_phone_does_not_wait_at_a_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "phone-SHELF-3.lock")
    with pytest.raises(UserError, match="it is a FIFO"):
        holder_of(tmp_path, "SHELF-3")


def test_a_folder_whose_files_everybody_may_replace_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "lease of all"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(UserError, match=r"chmod \+t '.*lease of all'"):
        check_lease(folder)
    folder.chmod(0o1777)
    check_lease(folder)


def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    check_lease(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == 0o700
