"""Virtual phones behind real adb servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.adb.programs import AdbProgram, adb_programs
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer


@pytest.fixture(scope="session", params=adb_programs(), ids=lambda program: program.name)
def adb_program(request: pytest.FixtureRequest) -> AdbProgram:
    """Each adb that the phone has to get along with."""
    program: AdbProgram = request.param
    if not program.installed:
        pytest.skip(f"there is no {program.path}; type: apt-get install adb")
    return program


@pytest.fixture(scope="session")
def server(adb_program: AdbProgram) -> Iterator[PrivateAdbServer]:
    """A server that all tests share; each attaches a phone of its own."""
    with PrivateAdbServer(adb_program.path) as running:
        yield running


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[VirtualPhone]:
    """A phone that no server knows yet."""
    with VirtualPhone(serialno="VIRTUAL01", root=tmp_path / "phone") as running:
        yield running


@pytest.fixture
def attached(phone: VirtualPhone, server: PrivateAdbServer) -> Iterator[VirtualPhone]:
    """A phone that the server lists as a device."""
    server.attach(phone)
    yield phone
    server.unplug(phone)
