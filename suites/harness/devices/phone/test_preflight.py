"""A session finds its phones, or says within seconds why not, and deals them to its workers."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.lease import LEASE_DIR_VARIABLE
from harness.devices.phone.exclusive_use import phone_lease
from harness.devices.phone.fleet.inventory import Inventory, InventoryPhone
from harness.devices.phone.fleet.phone_selection import PhoneRequest, ReadyPhone
from harness.devices.phone.preflight import find_ready_phones, one_each, only_one
from harness.devices.phone.runner.tools import RunnerBuild
from harness.devices.transport.found_phone import FoundPhone
from harness.errors import UserError
from harness.virtual_phone.faults import Availability, Faults
from harness.virtual_phone.machine.virtual_build import write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.phone.files_for_phones import write_build, write_sdk
from suites.harness.devices.phone.runner.host_builds import (
    NEEDS_COMPILER,
    write_host_build,
    write_host_sdk,
)

LAB = tuple(f"R5CT{number}" for number in range(6))
BUILD = RunnerBuild(Path("runner"), Path("library"))
BOUND_S = 5.0
SERVER = AdbServer(ServerAddress())


def ready(serialno: str) -> ReadyPhone:
    phone = AdbPhone(SERVER, serialno)
    return ReadyPhone(FoundPhone(phone, serialno, "SM8550", "SM8550", "Phone", "14"), BUILD)


def dealt(serialnos: tuple[str, ...]) -> tuple[str, ...]:
    phones = one_each([ready(serialno) for serialno in serialnos], 4)
    return tuple(one.found.serialno for one in phones)


@pytest.mark.parametrize("missing", LAB)
def test_a_phone_that_is_missing_moves_its_own_worker_alone(missing: str) -> None:
    before, after = dealt(LAB), dealt(tuple(phone for phone in LAB if phone != missing))
    moved = [old for old, new in zip(before, after, strict=True) if old != new]
    assert moved == ([missing] if missing in before else [])


@pytest.mark.parametrize(
    ("soc", "availability", "told"),
    [
        (None, "device", "No phone is attached"),
        ("SM8650", "device", "No phone with SM8550 is attached, but"),
        ("SM8550", "unauthorized", "has not authorized this computer"),
        ("SM8550", "device", "The runner for the phone is missing"),
    ],
)
def test_what_is_wrong_is_told_within_seconds(
    server: PrivateAdbServer, soc: str | None, availability: Availability, told: str
) -> None:
    with ExitStack() as plugged:
        if soc is not None:
            phone = plugged.enter_context(VirtualPhone(soc))
            phone.set_faults(Faults(availability=availability))
            server.plug_in(phone)
            plugged.callback(server.unplug, phone)
        began = time.monotonic()
        with pytest.raises(UserError, match=told):
            find_ready_phones(PhoneRequest("SM8550", None, (f"127.0.0.1:{server.port}",)))
        assert time.monotonic() - began < BOUND_S


def test_a_full_phone_is_told_how_room_is_made_on_it_and_nowhere_else(
    server: PrivateAdbServer, tmp_path: Path
) -> None:
    """Without the claims and runs of others, who may be there."""
    # Only virtual phones go without QNN's libraries and room for them.
    with VirtualPhone("SM8550", properties={"ro.snapgate.virtual.loads": ""}) as phone:
        server.attach(phone)
        phone.set_faults(Faults(available_bytes=5 << 20))
        request = PhoneRequest(
            soc=None,
            serial=phone.serialno,
            adb_hosts=(f"127.0.0.1:{server.port}",),
            build_dir=write_build(tmp_path / "build"),
            qnn_dir=write_sdk(tmp_path / "sdk"),
        )
        with pytest.raises(UserError, match="has 5 MiB free and a run needs 256") as full:
            find_ready_phones(request)
        server.unplug(phone)
    root = "/data/local/tmp/snapgate"
    told = f"-s {phone.serial} shell rm -rf {root}/artifacts {root}/images"
    assert str(full.value).endswith(told)


def test_more_workers_than_phones_are_refused() -> None:
    with pytest.raises(UserError, match="-n 4 asks for 4 phones and 1 fit"):
        dealt(("A",))


def test_a_session_that_uses_one_phone_does_not_choose_among_several() -> None:
    with pytest.raises(UserError, match=r"2 phones fit: A .*; choose one with --serial A, .*-n 2"):
        only_one([ready("A"), ready("B")])


@pytest.fixture
def unplugged(server: PrivateAdbServer) -> Iterator[VirtualPhone]:
    """A phone that runs and that no server lists."""
    with VirtualPhone("SM8550") as running:
        yield running
        server.unplug(running)


def plug(server: PrivateAdbServer, phone: VirtualPhone) -> str:
    """Command that plugs a phone in, as a hub's would."""
    adb = shlex.quote(str(server.adb_program))
    return f"{adb} -P {server.port} connect {phone.serial}"


def wish_for(
    server: PrivateAdbServer, tmp_path: Path, entry: InventoryPhone, **asked: Any
) -> PhoneRequest:
    return PhoneRequest(
        soc=asked.get("soc"),
        serial=asked.get("serial"),
        adb_hosts=(f"127.0.0.1:{server.port}",),
        build_dir=write_virtual_build(tmp_path / "build"),
        inventory=Inventory(phone=(entry,)),
    )


@pytest.mark.parametrize("asked", [{"serial": "desk"}, {"soc": "SM8550"}], ids=["name", "soc"])
def test_a_phone_that_is_missing_when_a_session_begins_is_brought_back(
    server: PrivateAdbServer, unplugged: VirtualPhone, tmp_path: Path, asked: dict[str, str]
) -> None:
    entry = InventoryPhone(
        serialno=unplugged.serialno, name="desk", soc="SM8550", recover=plug(server, unplugged)
    )
    (found,) = find_ready_phones(wish_for(server, tmp_path, entry, **asked))
    assert found.found.serialno == unplugged.serialno


@NEEDS_COMPILER
def test_a_virtual_phone_that_adb_lists_loads_what_its_runner_loads(
    server: PrivateAdbServer,
    plugged: VirtualPhone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("QNN_SDK_ROOT", raising=False)
    asked = PhoneRequest(
        soc=None,
        serial=plugged.serialno,
        adb_hosts=(f"127.0.0.1:{server.port}",),
        build_dir=write_host_build(tmp_path / "build-x86"),
        qnn_dir=write_host_sdk(tmp_path / "sdk"),
    )
    (ready,) = find_ready_phones(asked)
    assert ready.found.accepted_targets == ("emulator",)
    assert ready.libraries is not None
    assert ready.libraries.version == (2, 47, 0)
    with pytest.raises(UserError, match="is built for Arm64 and a virtual phone runs on this one"):
        find_ready_phones(replace(asked, build_dir=write_build(tmp_path / "build-android")))


def test_a_phone_that_does_not_come_back_is_told_with_what_was_tried(
    server: PrivateAdbServer, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    command = f"sh -c 'echo once >> {count}; echo no such hub >&2; exit 3'"
    entry = InventoryPhone(serialno="R5CT", name="desk", recover=command)
    with pytest.raises(UserError, match=r"No phone has the serial 'R5CT'.*exit code 3: no such"):
        find_ready_phones(wish_for(server, tmp_path, entry, serial="desk"))
    assert count.read_text() == "once\n"


def test_a_phone_that_nobody_asks_for_or_somebody_holds_is_left_alone(
    server: PrivateAdbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEASE_DIR_VARIABLE, str(tmp_path / "leases"))
    count = tmp_path / "count"
    entry = InventoryPhone(serialno="R5CT", name="desk", soc="SM8550", recover=f"touch {count}")
    with pytest.raises(UserError, match="No phone is attached"):
        find_ready_phones(wish_for(server, tmp_path, entry, soc="SM8650"))
    with pytest.raises(UserError, match="No phone is attached"):
        find_ready_phones(wish_for(server, tmp_path, entry, soc="SM8550"), recovers=False)
    with (
        phone_lease(tmp_path / "leases", ["R5CT"], 0),
        pytest.raises(UserError, match=r"In use .* R5CT \(by process"),
    ):
        find_ready_phones(wish_for(server, tmp_path, entry, serial="desk"))
    assert not count.exists()
