"""Runs on a phone that outlive the connection, and what ends them otherwise."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.phone.runs.claimed_run import ClaimedRun, find_runs
from harness.devices.transport.errors import DeadlineExceeded, PhoneRebooted, RunGone, RunOverran
from harness.devices.transport.retrying import RetryLimits
from harness.virtual_phone.faults import Cut, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone.client import wait_until

RUNS = "/data/local/tmp/snapgate/runs"
FOLDER = f"{RUNS}/one"
COUNT = (
    "echo begun >> ../begun; i=0; while [ $i -lt 25 ]; do i=$((i+1)); echo line $i; sleep 0.1; "
    "done; echo oops >&2; exit 42"
)
LINES = "".join(f"line {number}\n" for number in range(1, 26)) + "oops\n"
TOTAL_S = 60.0

# Told apart from those of tests in other processes.
SLEEP = f"sleep 300.{os.getpid()}"


@pytest.fixture
def run(phone: AdbPhone) -> ClaimedRun:
    return ClaimedRun(phone, FOLDER)


def begun(virtual: VirtualPhone) -> str:
    return (virtual.root / RUNS.removeprefix("/") / "begun").read_text()


def sleepers() -> int:
    """How many processes of the tests' runs sleep, seen from outside of the phone."""
    with_command = psutil.process_iter(["cmdline"])
    return sum(process.info["cmdline"] == SLEEP.split() for process in with_command)


@contextmanager
def meanwhile(*events: threading.Timer) -> Iterator[None]:
    for event in events:
        event.start()
    yield
    for event in events:
        event.join()


def test_a_run_tells_its_exit_code_and_all_that_it_printed(run: ClaimedRun) -> None:
    parts: list[bytes] = []
    run.start(COUNT)

    result = run.wait(TOTAL_S, parts.append)

    assert (result.exit_code, result.log.decode(), result.drops) == (42, LINES, 0)
    assert b"".join(parts) == result.log


def test_a_run_outlives_cuts_a_new_transport_and_a_new_server(
    run: ClaimedRun, virtual: VirtualPhone, adb_server: PrivateAdbServer
) -> None:
    cut_start = CutTrigger(on_command="mkdir claim", delay_s=0.02, cut=Cut(down_s=0.3))
    virtual.set_faults(Faults(triggers=(cut_start,)))
    unplugged = threading.Timer(0.8, virtual.cut, [Cut(how="unplug", down_s=0.3)])
    restarted = threading.Timer(1.8, adb_server.restart)

    with meanwhile(unplugged, restarted):
        run.start(COUNT)
        result = run.wait(TOTAL_S)

    assert (result.exit_code, result.log.decode()) == (42, LINES)
    assert result.drops >= 1
    assert begun(virtual) == "begun\n"


def test_a_run_that_is_started_twice_begins_once(
    phone: AdbPhone, run: ClaimedRun, virtual: VirtualPhone
) -> None:
    run.start(COUNT)
    ClaimedRun(phone, FOLDER).start(COUNT)

    assert run.wait(TOTAL_S).exit_code == 42
    assert begun(virtual) == "begun\n"


def test_memory_is_that_of_the_program(run: ClaimedRun) -> None:
    run.start("exec sleep 1.5")
    assert run.wait(TOTAL_S).peak_rss_kib > 100


def test_a_run_that_was_killed_with_its_leader_is_gone(phone: AdbPhone, run: ClaimedRun) -> None:
    run.start(SLEEP)
    phone.ask(f"read -r leader rest < {FOLDER}/process; kill -KILL -$leader", 10)

    with pytest.raises(RunGone, match="without memory"):
        run.wait(TOTAL_S)


def test_what_outlives_a_killed_leader_is_ended(phone: AdbPhone, run: ClaimedRun) -> None:
    run.start(f"exec {SLEEP}")
    phone.ask(f"read -r leader rest < {FOLDER}/process; kill -KILL $leader", 10)

    with pytest.raises(RunGone):
        run.wait(TOTAL_S)

    assert sleepers() == 0


def test_a_reboot_is_told_from_a_cut(run: ClaimedRun, virtual: VirtualPhone) -> None:
    run.start(SLEEP)

    with meanwhile(threading.Timer(0.3, virtual.reboot)), pytest.raises(PhoneRebooted):
        run.wait(TOTAL_S)


def test_a_reboot_before_the_first_look_is_told(
    phone: AdbPhone, run: ClaimedRun, virtual: VirtualPhone
) -> None:
    run.start(SLEEP)
    virtual.reboot()

    with pytest.raises(PhoneRebooted):
        ClaimedRun(phone, FOLDER).start(SLEEP)


def test_a_run_that_hangs_is_ended_on_the_phone(run: ClaimedRun) -> None:
    run.start(f"echo loading; trap '' TERM; {SLEEP} & {SLEEP}")

    with pytest.raises(RunOverran, match="after 1 s and was ended; it printed: loading"):
        run.wait(1.0)

    assert sleepers() == 0


def test_a_run_that_prints_faster_than_it_is_read_is_ended_at_its_limit(
    run: ClaimedRun, phone: AdbPhone
) -> None:
    """``timeout`` leads a process group of its own, which ends with the run all the same."""
    loop = "while :; do head -c 3000000 /dev/zero; sleep 0.03; done"
    run.start(f"echo begun; timeout 20 sh -c {shlex.quote(loop)}")
    start_s = time.monotonic()

    with pytest.raises(RunOverran) as overran:
        run.wait(2.0)

    assert time.monotonic() - start_s < 6
    assert overran.value.log.startswith(b"begun\n")
    assert b" bytes left out ...\n" in overran.value.log
    assert len(overran.value.log) < 2 << 20
    size = f"wc -c < {FOLDER}/log"
    assert (
        phone.ask(f"{size}; sleep 0.3; {size}", 10).stdout.split()[0:2]
        == [phone.ask(size, 10).stdout.strip()] * 2
    )


def test_a_long_log_has_its_head_and_its_tail(run: ClaimedRun) -> None:
    run.start("echo begun; seq 1000000; echo statistics; exit 3")

    result = run.wait(TOTAL_S)

    assert result.exit_code == 3
    assert result.log.startswith(b"begun\n1\n2\n")
    assert result.log.endswith(b"\n999999\n1000000\nstatistics\n")
    assert b" bytes left out ...\n" in result.log


def test_a_phone_that_stays_away_is_given_up_while_the_run_goes_on(
    phone: AdbPhone, virtual: VirtualPhone
) -> None:
    run = ClaimedRun(phone, FOLDER, RetryLimits(absence_s=0.5))
    run.start(SLEEP)
    virtual.cut(Cut(down_s=3.0))

    with pytest.raises(DeadlineExceeded, match="away for"):
        run.wait(TOTAL_S)

    ClaimedRun(phone, FOLDER).end()


def test_an_orphan_is_found_and_adopted(phone: AdbPhone, run: ClaimedRun) -> None:
    run.start(COUNT, about="lab 7, session 12")

    (found,) = find_runs(phone, RUNS)
    result = ClaimedRun(phone, f"{RUNS}/{found.name}").wait(TOTAL_S)

    assert (found.name, found.state, found.about) == ("one", "run", "lab 7, session 12")
    assert (result.exit_code, result.log.decode()) == (42, LINES)


def test_an_orphan_is_found_ended_and_removed(phone: AdbPhone, run: ClaimedRun) -> None:
    run.start(f"{SLEEP} & {SLEEP}")

    wait_until(lambda: sleepers() == 2)
    orphan = ClaimedRun(phone, FOLDER)
    orphan.end()
    orphan.remove()

    assert sleepers() == 0
    assert find_runs(phone, RUNS) == ()
