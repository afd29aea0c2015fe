"""A server is started where this machine has none, by the chosen adb, and never replaced."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from harness.devices.adb.connection import NoServer
from harness.devices.adb.programs import AdbProgram, adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.transport.errors import ConnectionLost

ENDED_S = 10


@pytest.fixture(params=adb_programs(), ids=lambda program: program.name)
def program(request: pytest.FixtureRequest) -> Path:
    """Each adb that this machine has."""
    one: AdbProgram = request.param
    if not one.installed:
        pytest.skip(f"there is no {one.path}; type: apt-get install adb")
    return one.path


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServerAddress]:
    """A port where nobody listens; a server that is started there is ended afterwards."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ADB_SERVER_SOCKET", raising=False)
    for name in ("ADB_MDNS", "ADB_MDNS_AUTO_CONNECT", "ADB_USB", "ADB_EMU"):
        monkeypatch.setenv(name, "0")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    yield ServerAddress(port=port)
    for process in listeners(port):
        process.terminate()
        process.wait(ENDED_S)


def listeners(port: int) -> list[psutil.Process]:
    found = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    return [psutil.Process(pid) for pid in found if pid is not None]


def test_the_chosen_adb_serves(program: Path, address: ServerAddress) -> None:
    info = AdbServer(address, program).ensure_running()

    assert info.protocol == 41
    assert [process.exe() for process in listeners(address.port)] == [str(program.resolve())]


def test_many_that_start_one_at_once_get_one(program: Path, address: ServerAddress) -> None:
    servers = [AdbServer(address, program) for _ in range(3)]
    with ThreadPoolExecutor(len(servers)) as threads:
        infos = list(threads.map(AdbServer.ensure_running, servers))

    assert len(set(infos)) == 1
    assert len(listeners(address.port)) == 1


def test_another_adb_does_not_replace_a_server_that_runs(address: ServerAddress) -> None:
    programs = [one.path for one in adb_programs() if one.installed]
    if len(programs) < 2:
        pytest.skip("there is one adb only; type: apt-get install adb")
    AdbServer(address, programs[0]).ensure_running()
    before = listeners(address.port)

    AdbServer(address, programs[1]).ensure_running()

    assert listeners(address.port) == before


def test_a_program_that_starts_nothing_is_told(address: ServerAddress, tmp_path: Path) -> None:
    broken = tmp_path / "adb"
    broken.write_text("#!/bin/sh\necho cannot open libusb >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(NoServer, match="cannot open libusb"):
        AdbServer(address, broken).ensure_running()
    with pytest.raises(NoServer, match="nothing"):
        AdbServer(address, tmp_path / "nothing").ensure_running()
    with pytest.raises(NoServer, match="no adb program"):
        AdbServer(address).ensure_running()


@pytest.mark.parametrize("words", [b"HTTP/1.1 400 Bad Request\r\n", b"OKAY0004zzzz", b""])
def test_somebody_else_on_the_port_is_no_adb_server(words: bytes, tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = tmp_path / "adb"
    program.write_text(f"#!/bin/sh\ntouch {started}\n")
    program.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            accepted, _ = server.accept()
            with accepted:
                accepted.recv(100)
                accepted.sendall(words)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ConnectionLost):
            AdbServer(ServerAddress(port=server.getsockname()[1]), program).ensure_running()
        thread.join()
    assert not started.exists()
