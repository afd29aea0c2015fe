"""A real adb server of one's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from harness.devices.adb.programs import AdbProgram
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer, ServerFailed
from harness.virtual_phone.protocol.server_requests import disconnect_phone
from suites.harness.virtual_phone.client import (
    run_client,
    shell,
    wait_until,
    wait_until_back,
    words,
)

ROOT = Path(__file__).parents[3]


def listeners(port: int) -> list[str]:
    return [
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    ]


def test_it_listens_on_loopback_only_and_keeps_its_key_to_itself(
    server: PrivateAdbServer,
) -> None:
    assert set(listeners(server.port)) <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert (server.home / ".android/adbkey").exists()


def test_it_knows_no_phones_but_its_own(adb_program: AdbProgram) -> None:
    with PrivateAdbServer(adb_program.path) as alone:
        assert words(run_client(alone, "devices")).strip() == "List of devices attached"


def test_it_serves_from_a_folder_with_a_long_name(
    adb_program: AdbProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder := tmp_path / ("long" * 30)).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with PrivateAdbServer(adb_program.path) as alone:
        assert words(run_client(alone, "devices")).strip() == "List of devices attached"


def test_it_is_gone_when_it_ends(adb_program: AdbProgram) -> None:
    with PrivateAdbServer(adb_program.path) as alone:
        assert listeners(alone.port)
    assert not listeners(alone.port)
    assert not alone.home.exists()


OWNER = """
import sys, time
from pathlib import Path
from harness.virtual_phone.private_server import PrivateAdbServer
with PrivateAdbServer(Path(sys.argv[1])) as server:
    print(server.process_id, server.home, flush=True)
    time.sleep(600)
"""


def test_a_killed_owner_takes_it_along_and_leaves_its_folder_to_the_next(
    adb_program: AdbProgram,
) -> None:
    command = [sys.executable, "-c", OWNER, str(adb_program.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as owner:
        assert owner.stdout is not None
        process_id, home = owner.stdout.readline().split()
        assert psutil.pid_exists(int(process_id))
        owner.kill()
    wait_until(lambda: not psutil.pid_exists(int(process_id)))
    with PrivateAdbServer(adb_program.path):
        assert not Path(home).exists()


def test_ctrl_c_at_a_terminal_leaves_server_and_phones_to_the_session(
    server: PrivateAdbServer, phone: VirtualPhone
) -> None:
    server.attach(phone)
    own = os.getpgid(0)
    alive = [*psutil.Process().children(recursive=True), psutil.Process(server.process_id)]
    served = [one for one in alive if one.name() != "resource_tracker"]
    assert served
    assert [one.cmdline() for one in served if os.getpgid(one.pid) == own] == []


def test_a_restart_ends_what_runs_and_finds_the_phones_again(
    adb_program: AdbProgram, phone: VirtualPhone
) -> None:
    with PrivateAdbServer(adb_program.path) as own:
        own.attach(phone)
        before = own.process_id
        own.restart()
        assert own.process_id != before
        wait_until_back(own, phone)
        assert shell(own, phone, "echo back") == "back\n"


def test_who_waits_for_an_answer_hears_of_a_restart_at_once(adb_program: AdbProgram) -> None:
    with (
        PrivateAdbServer(adb_program.path) as own,
        socket.create_connection(("127.0.0.1", own.port), timeout=10) as waiting,
    ):
        waiting.sendall(b"0012host:track-devices")
        with waiting.makefile("rb") as answers:
            assert answers.read(8) == b"OKAY0000"
        own.restart()
        with suppress(ConnectionResetError):
            assert waiting.recv(1) == b""


def test_plugging_in_again_gives_another_transport(
    server: PrivateAdbServer, phone: VirtualPhone
) -> None:
    server.attach(phone)
    before = server.transport_id_of(phone)
    server.unplug(phone)
    assert server.state_of(phone) is None
    server.attach(phone)
    assert server.transport_id_of(phone) not in (before, None)
    server.unplug(phone)


def test_a_phone_that_the_server_has_lost_by_itself_can_be_unplugged(
    server: PrivateAdbServer, phone: VirtualPhone
) -> None:
    server.attach(phone)
    disconnect_phone(server.port, phone.port)
    server.unplug(phone)
    server.unplug(phone)
    assert server.state_of(phone) is None


def test_a_program_that_serves_nothing_is_named(tmp_path: Path) -> None:
    program = tmp_path / "adb"
    program.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(ServerFailed, match="no such thing"), PrivateAdbServer(program):
        pass


def test_programs_that_use_it_inherit_no_other_server(
    server: PrivateAdbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADB_SERVER_SOCKET", "tcp:5037")
    monkeypatch.setenv("ANDROID_SERIAL", "real-phone")
    assert not {"ADB_SERVER_SOCKET", "ANDROID_SERIAL"} & set(server.environment)
    assert server.environment["PATH"] == os.environ["PATH"]
