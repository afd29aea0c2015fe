"""One user at a time has a phone, on this machine and among machines, whoever dies meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import harness
from harness.devices.adb.client import AdbPhone
from harness.devices.phone.exclusive_use import PhoneBusy, holder_of, phone_lease
from harness.devices.phone.fleet.phone_claim import (
    Claimant,
    ClaimTimes,
    HeldClaim,
    PhoneClaimed,
    claim_text,
    claimed,
    this_claimant,
)
from harness.devices.phone.runs.claimed_run import ClaimedRun, find_runs
from harness.errors import UserError
from harness.virtual_phone.phone import VirtualPhone

ROOT = Path(harness.__file__).parents[1]
HOLD = """
import sys
from pathlib import Path
from harness.devices.phone.exclusive_use import phone_lease

with phone_lease(Path(sys.argv[1]), sys.argv[2:], 30):
    print("held", flush=True)
    sys.stdin.read()
"""
ROUNDS = """
import sys
from pathlib import Path
from harness.devices.phone.exclusive_use import phone_lease

folder, inside = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(50):
    with phone_lease(folder, ["PHONE"], 60):
        inside.touch(exist_ok=False)
        inside.unlink()
"""
ANN, BOB = Claimant("lab1", "ann", "one"), Claimant("lab2", "bob", "two")
ANN_AGAIN = Claimant("lab1", "ann", "three")
CLAIMS = "/data/local/tmp/snapgate/claims"
SOON_S = 5.0


@contextmanager
def holder(folder: Path, *serialnos: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds a phone until it is told to end."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *serialnos],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_held_phone_is_not_given_twice_and_its_holder_is_named(tmp_path: Path) -> None:
    with holder(tmp_path, "PHONE") as process:
        with pytest.raises(PhoneBusy) as busy, phone_lease(tmp_path, ["PHONE"], 0):
            pass
        assert str(process.pid) in str(busy.value)
        assert holder_of(tmp_path, "PHONE") == process.pid


def test_the_holder_of_a_file_with_the_same_number_elsewhere_is_not_named(tmp_path: Path) -> None:
    """Inode numbers repeat among file systems."""
    with phone_lease(tmp_path, ["PHONE"], 0):
        listed = Path("/proc/locks").read_text().splitlines()
    (lock,) = tmp_path.iterdir()
    inode = f":{lock.stat().st_ino}"
    (own,) = [line for line in listed if line.split()[5].endswith(inode)]
    place = own.split()[5]
    elsewhere = own.replace(place, f"7f:ff{inode}").replace(f" {os.getpid()} ", " 1 ")
    told = tmp_path / "locks"
    told.write_text(f"{elsewhere}\n")
    assert holder_of(tmp_path, "PHONE", told) is None
    told.write_text(f"{elsewhere}\n{own}\n")
    assert holder_of(tmp_path, "PHONE", told) == os.getpid()


def test_whoever_comes_second_gets_the_other_phone(tmp_path: Path) -> None:
    with holder(tmp_path, "A", "B"), phone_lease(tmp_path, ["A", "B"], 0) as serialno:
        assert serialno == "B"


def test_a_phone_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    with holder(tmp_path, "PHONE") as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with phone_lease(tmp_path, ["PHONE"], SOON_S) as serialno:
            assert serialno == "PHONE"


def test_a_program_started_meanwhile_does_not_keep_the_phone(tmp_path: Path) -> None:
    with phone_lease(tmp_path, ["PHONE"], 0):
        sleeper = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with phone_lease(tmp_path, ["PHONE"], 0):
            pass
    finally:
        sleeper.kill()
        sleeper.wait()


def test_two_processes_are_never_both_inside(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ROUNDS, str(tmp_path / "locks"), str(tmp_path / "inside")]
    processes = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(2)]
    ended = [process.communicate()[1] for process in processes]
    assert ended == [b"", b""]


def test_any_serial_number_makes_a_file_name(tmp_path: Path) -> None:
    with phone_lease(tmp_path, ["192.0.2.1:5555/../ü"], 0):
        assert [path.name for path in tmp_path.iterdir()] == ["phone-192.0.2.1_5555_..__.lock"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file"), phone_lease(tmp_path / "file", ["PHONE"], 0):
        pass


def test_a_claim_keeps_other_machines_away(phone: AdbPhone) -> None:
    with (
        claimed(phone, ANN),
        pytest.raises(PhoneClaimed, match="ann on lab1"),
        claimed(phone, BOB),
    ):
        pass
    with claimed(phone, BOB):
        pass


def test_a_claim_of_this_machine_was_left_behind(phone: AdbPhone) -> None:
    phone.ask(claim_text(ANN, 120, CLAIMS), 10)
    with claimed(phone, ANN_AGAIN), pytest.raises(PhoneClaimed), claimed(phone, BOB):
        pass


def test_a_claim_from_before_a_reboot_is_void(phone: AdbPhone, virtual: VirtualPhone) -> None:
    phone.ask(claim_text(ANN, 120, CLAIMS), 10)
    virtual.reboot(down_s=0.1)
    with claimed(phone, BOB):
        pass


def test_a_claim_lives_as_long_as_it_shows_signs_of_life(phone: AdbPhone) -> None:
    lively = ClaimTimes(beat_s=0.2, stale_s=2)
    with claimed(phone, ANN, lively):
        time.sleep(3)
        with pytest.raises(PhoneClaimed), claimed(phone, BOB, lively):
            pass
    phone.ask(claim_text(ANN, 120, CLAIMS), 10)
    time.sleep(3)
    with claimed(phone, BOB, lively):
        pass


def test_giving_back_takes_nothing_from_the_next_one(phone: AdbPhone) -> None:
    with claimed(phone, ANN):
        phone.ask(claim_text(ANN_AGAIN, 120, CLAIMS), 10)
    with pytest.raises(PhoneClaimed), claimed(phone, BOB):
        pass


def test_whoever_takes_over_finds_the_run_that_was_left(phone: AdbPhone) -> None:
    phone.ask(claim_text(ANN, 120, CLAIMS), 10)
    runs = "/data/local/tmp/snapgate/runs"
    ClaimedRun(phone, f"{runs}/left").start("sleep 300", about="ann's")
    with claimed(phone, ANN_AGAIN):
        (found,) = find_runs(phone, runs)
        assert (found.state, found.about) == ("run", "ann's")
        ClaimedRun(phone, f"{runs}/{found.name}").end()
        assert [run.state for run in find_runs(phone, runs)] != ["run"]


def look_until_told(held: HeldClaim) -> None:
    """Look at a claim again and again, some signs of life long."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        held.check()
        time.sleep(0.1)


def test_whoever_lost_the_phone_while_silent_hears_of_it(phone: AdbPhone) -> None:
    lively = ClaimTimes(beat_s=0.2, stale_s=120)
    with claimed(phone, ANN, lively) as held:
        held.check()
        phone.ask(claim_text(BOB, 0, CLAIMS), 10)
        with pytest.raises(PhoneClaimed, match="bob on lab2"):
            look_until_told(held)


def test_the_next_holder_is_told_whose_claim_was_left(phone: AdbPhone) -> None:
    phone.ask(claim_text(ANN, 120, CLAIMS), 10)
    with claimed(phone, ANN_AGAIN) as held:
        assert held.left_behind == ("ann on lab1",)


def test_processes_that_share_a_lease_are_one_machine_and_others_are_not(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    assert this_claimant(one).machine == this_claimant(one).machine
    assert this_claimant(one).machine != this_claimant(other).machine
    assert this_claimant(one).token != this_claimant(one).token
