"""Virtual phones behind real adb servers, as the device layer sees them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.programs import AdbProgram, adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer


@pytest.fixture(scope="session", params=adb_programs(), ids=lambda program: program.name)
def adb_server(request: pytest.FixtureRequest) -> Iterator[PrivateAdbServer]:
    """A server of each adb; every test attaches a phone of its own."""
    program: AdbProgram = request.param
    if not program.installed:
        pytest.skip(f"there is no {program.path}; type: apt-get install adb")
    with PrivateAdbServer(program.path) as running:
        yield running


@pytest.fixture
def virtual(adb_server: PrivateAdbServer, tmp_path: Path) -> Iterator[VirtualPhone]:
    """A phone that the server lists as a device."""
    with VirtualPhone(root=tmp_path / "phone") as running:
        adb_server.attach(running)
        yield running
        adb_server.unplug(running)


@pytest.fixture
def phone(adb_server: PrivateAdbServer, virtual: VirtualPhone) -> AdbPhone:
    """The same phone as a client of the server has it."""
    return AdbPhone(AdbServer(ServerAddress(port=adb_server.port)), virtual.serial)
