"""The right phone is found by what it is; for every other one it is said why it is not that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.discovery import find_phones
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.fleet.phone_selection import choose_phones
from harness.devices.transport.found_phone import Discovery, FoundPhone, PhoneUnusable
from harness.errors import UserError
from harness.virtual_phone.faults import CommandRule, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer

SERVER = AdbServer(ServerAddress())


def found(serialno: str, soc_raw: str = "SM8550", serial: str | None = None) -> FoundPhone:
    adb = AdbPhone(SERVER, serial or serialno)
    return FoundPhone(adb, serialno, soc_raw[:6], soc_raw, "Phone", "a/b/c")


@pytest.fixture
def server(adb_server: PrivateAdbServer) -> AdbServer:
    return AdbServer(ServerAddress(port=adb_server.port))


@pytest.fixture
def other(adb_server: PrivateAdbServer, tmp_path: Path) -> Iterator[VirtualPhone]:
    """A second phone, which only some tests attach."""
    with VirtualPhone(soc="SM8750P", serialno="OTHER", root=tmp_path / "other") as running:
        yield running
        if adb_server.state_of(running) is not None:
            adb_server.unplug(running)


def test_a_phone_is_known_by_its_serial_number_and_model_number(
    server: AdbServer, virtual: VirtualPhone
) -> None:
    (phone,) = find_phones([server]).phones
    assert (phone.serialno, phone.soc, phone.soc_raw) == (virtual.serialno, "SM8550", "SM8550")
    assert phone.is_virtual
    assert "release-keys" in phone.fingerprint


def test_a_variant_belongs_to_its_soc(
    server: AdbServer, adb_server: PrivateAdbServer, other: VirtualPhone
) -> None:
    adb_server.attach(other)
    (phone,) = choose_phones(find_phones([server]), "sm8750", None)
    assert (phone.soc, phone.soc_raw) == ("SM8750", "SM8750P")


def test_one_phone_on_two_servers_is_one(server: AdbServer, virtual: VirtualPhone) -> None:
    again = AdbServer(server.address)
    assert [phone.serialno for phone in find_phones([server, again]).phones] == [virtual.serialno]


def test_an_older_phone_tells_its_soc_by_another_property(
    server: AdbServer, virtual: VirtualPhone
) -> None:
    virtual.set_property("ro.soc.model", "")
    virtual.set_property("ro.vendor.qti.soc_model", "SM8350")
    (phone,) = find_phones([server]).phones
    assert phone.soc == "SM8350"


def test_a_phone_without_a_snapdragon_is_unusable(server: AdbServer, virtual: VirtualPhone) -> None:
    virtual.set_property("ro.soc.model", "Tensor G3")
    discovery = find_phones([server])
    assert discovery.phones == ()
    assert "'Tensor G3'" in str(discovery.unusable[0])


@pytest.mark.parametrize(
    ("availability", "remedy"), [("unauthorized", "tap Allow"), ("recovery", "adb reboot")]
)
def test_a_phone_that_cannot_be_used_says_what_to_do(
    server: AdbServer,
    adb_server: PrivateAdbServer,
    tmp_path: Path,
    availability: str,
    remedy: str,
) -> None:
    with VirtualPhone(root=tmp_path / "phone") as virtual:
        virtual.set_fault(availability=availability)
        adb_server.plug_in(virtual)
        with pytest.raises(UserError, match=remedy):
            choose_phones(find_phones([server]), "SM8550", None)
        with pytest.raises(UserError, match=remedy):
            choose_phones(find_phones([server]), None, virtual.serial)
        adb_server.unplug(virtual)


def test_a_phone_that_does_not_answer_is_unusable(server: AdbServer, virtual: VirtualPhone) -> None:
    hang = CommandRule(pattern="getprop", hang=True)
    virtual.set_faults(Faults(command_rules=(hang,)))
    (unusable,) = find_phones([server]).unusable
    assert "does not answer" in unusable.reason


OTHER_SOC = Discovery((found("A", "SM8650"),), ())
LOCKED = Discovery((), (PhoneUnusable("X", "has not authorized this computer", "tap Allow"),))
NOTHING = Discovery((), ())


@pytest.mark.parametrize(
    ("discovery", "soc", "serial", "facts"),
    [
        (OTHER_SOC, "SM8550", None, ["SM8550", "SM8650", "--soc SM8650"]),
        (OTHER_SOC, "SM8550", "A", ["SM8650", "not SM8550", "--soc SM8650"]),
        (OTHER_SOC, None, "Z", ["'Z'", "A (Phone, SM8650)"]),
        (NOTHING, None, None, ["No phone", "doctor", "--serial virtual:SM8550"]),
        (NOTHING, "SM8550", None, ["No phone", "doctor"]),
        (LOCKED, None, None, ["X has not authorized", "tap Allow"]),
        (LOCKED, None, "X", ["X has not authorized", "tap Allow"]),
    ],
)
def test_a_wrong_choice_is_told_with_the_next_command(
    discovery: Discovery, soc: str | None, serial: str | None, facts: list[str]
) -> None:
    with pytest.raises(UserError) as refusal:
        choose_phones(discovery, soc, serial)
    assert [fact for fact in facts if fact not in str(refusal.value)] == []


def test_a_phone_answers_to_both_of_its_serials() -> None:
    discovery = Discovery((found("A", serial="127.0.0.1:6000"),), ())
    assert choose_phones(discovery, None, "A") == choose_phones(discovery, None, "127.0.0.1:6000")
