"""A phone whose disk is full before, while or behind a run: told so, with nothing left running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.full_disks.small_disk import SmallDisk
from harness.devices.phone.files.storage import check_room
from harness.devices.phone.runs.claimed_run import ClaimedRun, RunResult, find_runs
from harness.devices.transport.errors import NotEnoughSpace
from suites.harness.devices.transport.local_phones import LocalPhone
from suites.harness.small_disk import small_disk


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[LocalPhone]:
    with small_disk(tmp_path / "phone", 4096) as disk:
        yield LocalPhone(disk.folder)


def run_of(phone: LocalPhone) -> ClaimedRun:
    return ClaimedRun(phone, f"{phone.home}/runs/one")


def ended(phone: LocalPhone, command: str) -> RunResult:
    run = run_of(phone)
    run.start(command)
    return run.wait(30.0)


def test_nothing_starts_on_a_full_disk_and_nothing_is_left_of_it(phone: LocalPhone) -> None:
    disk = SmallDisk(Path(phone.home))
    disk.fill()

    with pytest.raises(NotEnoughSpace, match=r"runs/one has 0 MiB free and 64 MiB are needed"):
        run_of(phone).start("echo x > ../began")

    assert find_runs(phone, f"{phone.home}/runs") == ()
    disk.make_room()
    assert ended(phone, "exit 3").exit_code == 3
    assert not Path(phone.home, "runs/began").exists()


@pytest.mark.parametrize("exit_code", [0, 137])
def test_an_exit_code_needs_no_room(phone: LocalPhone, exit_code: int) -> None:
    command = f"echo begun; cat /dev/zero > more; exit {exit_code}"

    result = ended(phone, command)

    assert result.exit_code == exit_code
    assert result.log.startswith(b"begun\n")
    with pytest.raises(NotEnoughSpace, match="rm -rf"):
        check_room(phone, f"{phone.home}/runs/one")
    (found,) = find_runs(phone, f"{phone.home}/runs")
    assert found.state == "ended"


def test_a_log_that_fills_the_disk_keeps_what_it_has(phone: LocalPhone) -> None:
    result = ended(phone, "echo begun; seq 2000000; exit 5")

    assert result.exit_code == 5
    assert result.log.startswith(b"begun\n1\n")
    with pytest.raises(NotEnoughSpace):
        check_room(phone, f"{phone.home}/runs/one")
    run_of(phone).remove()
    check_room(phone, f"{phone.home}/runs/one")
