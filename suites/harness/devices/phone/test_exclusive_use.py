"""Whoever takes a phone after a killed session finds what that left running, and ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.programs import adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.exclusive_use import end_orphans, held
from harness.devices.phone.runs.claimed_run import find_runs
from harness.devices.phone.workspace import Workspace
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer

FREED_WITHIN_S = 5.0
HOLDER = """
import sys, time
from pathlib import Path
from harness.devices.phone.runs.claimed_run import ClaimedRun
from harness.devices.adb.client import AdbPhone
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.exclusive_use import held
from harness.devices.phone.workspace import Workspace

port, serial, folder = sys.argv[1:]
phone = AdbPhone(AdbServer(ServerAddress(port=int(port))), serial)
with held(phone, "SHELF-3", Path(folder), wait_s=0.0):
    ClaimedRun(phone, f"{Workspace.on(phone).runs}/long").start("exec sleep 600", "left behind")
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def plugged_in() -> Iterator[tuple[PrivateAdbServer, VirtualPhone]]:
    """A virtual phone behind a real adb server."""
    program = next(program for program in adb_programs() if program.installed)
    with PrivateAdbServer(program.path) as server, VirtualPhone("SM8550", "SHELF-3") as phone:
        server.attach(phone)
        yield server, phone


def test_a_killed_holder_frees_the_phone_and_its_run_is_ended_by_the_next(
    plugged_in: tuple[PrivateAdbServer, VirtualPhone], tmp_path: Path
) -> None:
    server, virtual = plugged_in
    phone = AdbPhone(AdbServer(ServerAddress(port=server.port)), virtual.serial)
    command = (sys.executable, "-c", HOLDER, str(server.port), virtual.serial, str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        runs = Workspace.on(phone).runs
        (orphan,) = find_runs(phone, runs)
        assert (orphan.state, orphan.about) == ("run", "left behind")
        with held(phone, "SHELF-3", tmp_path, wait_s=FREED_WITHIN_S):
            assert find_runs(phone, runs) == ()
            assert end_orphans(phone) == 0
    assert "sleep 600" not in phone.ask("cat /proc/[0-9]*/cmdline | tr '\\0' ' '", 10.0).stdout
