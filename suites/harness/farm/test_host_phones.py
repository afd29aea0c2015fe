"""A phone that a session died on is given back by its host, unless somebody uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.discovery import find_phones
from harness.devices.adb.programs import adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.lease import LEASE_DIR_VARIABLE
from harness.devices.phone.fleet.inventory import Inventory, InventoryPhone
from harness.devices.phone.runs.claimed_run import find_runs
from harness.devices.phone.workspace import Workspace
from harness.farm.host_phones import HostPhones
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.phone.test_exclusive_use import HOLDER


@pytest.fixture
def server() -> Iterator[AdbServer]:
    """An adb server with one virtual phone, SHELF-3."""
    program = next(program for program in adb_programs() if program.installed)
    with PrivateAdbServer(program.path) as private, VirtualPhone("SM8550", "SHELF-3") as phone:
        private.attach(phone)
        yield AdbServer(ServerAddress(port=private.port))


def left_on(phone: AdbPhone) -> tuple[list[str], int]:
    """Claims, and runs."""
    places = Workspace.on(phone)
    claims = phone.ask(f"ls {places.claims} 2>/dev/null", 10.0).stdout.split()
    return claims, len(find_runs(phone, places.runs))


def test_a_phone_that_a_session_died_on_is_given_back(
    server: AdbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEASE_DIR_VARIABLE, str(tmp_path))
    aside = InventoryPhone(serialno="SHELF-3", name="shelf", labels=("new",), aside="swollen")
    record = tmp_path / "left phones.json"
    inventory = Inventory(phone=(aside,))
    phones = HostPhones(lambda: find_phones([server]), inventory, record)
    (offered,) = phones.offered()
    assert (offered.soc, offered.labels, offered.aside) == ("SM8550", {"new"}, "swollen")
    (found,) = find_phones([server]).phones
    assert isinstance(found.phone, AdbPhone)
    command = (sys.executable, "-c", HOLDER, str(server.address.port), found.phone.serial)
    with subprocess.Popen((*command, str(tmp_path)), stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            phones.leave("SHELF-3")
            before = left_on(found.phone)
            phones.give_back_left()
            assert left_on(found.phone) == before, "it was in use"
        finally:
            holder.kill()
        holder.wait()
        # Whoever works for this host next knows of it.
        phones = HostPhones(lambda: find_phones([server]), inventory, record)
        claims, runs = left_on(found.phone)
        assert claims
        assert runs == 1
    phones.give_back_left()
    assert left_on(found.phone) == ([], 0)
    assert record.read_text() == "[]"


def test_a_record_that_cannot_be_read_hinders_nobody(tmp_path: Path) -> None:
    record = tmp_path / "left phones.json"
    for content in ("{", '{"a": 1}', "[1]"):
        record.write_text(content)
        HostPhones(None, Inventory(), record).give_back_left()


def test_a_host_without_phones_has_none_to_give_back(tmp_path: Path) -> None:
    phones = HostPhones(None, Inventory(), tmp_path / "left phones.json")
    phones.leave("SHELF-3")
    phones.give_back_left()
    assert phones.offered() == ()
