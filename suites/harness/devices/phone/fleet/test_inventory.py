"""The laboratory's phones: how they are called, and the one try to bring one back."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.fleet.inventory import (
    Inventory,
    InventoryPhone,
    find_inventory,
    read_inventory,
)
from harness.devices.phone.fleet.recovery import NotRecovered, Recovery, RecoveryLimits
from harness.errors import UserError
from suites.harness.devices.adb.fake_server import Plugged, fake_server

TWO = """
[[phone]]
serialno = "R5CT"
name = "desk"
labels = ["nightly"]
recover = "uhubctl -l 1-1 -a cycle"

[[phone]]
serialno = "R5CU"
name = "shelf"
"""
IMPATIENT = RecoveryLimits(command_s=5, return_s=1)


def inventory(tmp_path: Path, text: str) -> Inventory:
    path = tmp_path / "phones.toml"
    path.write_text(text)
    return read_inventory(path)


def entry(command: str | None) -> InventoryPhone:
    return InventoryPhone(serialno="A", name="desk", recover=command)


def test_a_phone_is_known_by_name_and_serial_number(tmp_path: Path) -> None:
    phones = inventory(tmp_path, TWO)
    assert phones.serialno_of("desk") == "R5CT"
    assert phones.serialno_of("R5CT") == "R5CT"
    assert phones.serialno_of("192.0.2.7:5555") == "192.0.2.7:5555"
    known = phones.entry("R5CT")
    assert known is not None
    assert (known.labels, known.recover) == (("nightly",), "uhubctl -l 1-1 -a cycle")
    assert phones.entry("desk") is None


def test_without_a_file_nothing_is_known_unless_one_was_named(tmp_path: Path) -> None:
    assert find_inventory(None, tmp_path) == Inventory()
    with pytest.raises(UserError, match=r"phones\.toml lists no phones \(.*No such file"):
        find_inventory(tmp_path / "phones.toml", tmp_path)
    given = inventory(tmp_path, TWO)
    (tmp_path / ".git").mkdir()
    assert find_inventory(None, tmp_path) == given


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TWO.replace("name", "nmae", 1), "phone.0"),
        (TWO.replace("shelf", "desk"), "desk stands for more than one phone"),
        (TWO.replace("R5CU", "R5CT"), "R5CT stands for more than one phone"),
        (TWO.replace("shelf", "R5CT"), "R5CT stands for more than one phone"),
        (TWO.replace('"R5CU"', '""'), "phone.1.serialno"),
        ("[[phone]", "line 1"),
    ],
)
def test_a_file_with_a_mistake_names_the_place(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UserError, match=r"phones\.toml lists no phones") as refusal:
        inventory(tmp_path, text)
    assert reason in str(refusal.value)


def test_a_phone_comes_back_by_its_command_which_knows_it(tmp_path: Path) -> None:
    told = tmp_path / "told"
    phones: dict[str, Plugged] = {"A": Plugged()}
    command = f"sh -c 'echo $SNAPGATE_SERIALNO > {told}'"
    with fake_server(phones) as server:
        Recovery(entry(command)).bring_back(AdbPhone(server, "A"))
    assert told.read_text() == "A\n"


def test_a_command_is_tried_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    recovery = Recovery(entry(f"sh -c 'echo once >> {count}; exit 3'"), IMPATIENT)
    with fake_server({}) as server:
        phone = AdbPhone(server, "A")
        with pytest.raises(NotRecovered, match="exit code 3"):
            recovery.bring_back(phone)
        with pytest.raises(NotRecovered, match="was tried before"):
            recovery.bring_back(phone)
    assert count.read_text() == "once\n"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (None, "no recover command"),
        ("there-is-no-such-program", "failed"),
        ("sh -c 'echo no such hub >&2; exit 1'", "no such hub"),
        ("sleep 60", "timed out"),
        ("echo 'unclosed", "quotation"),
    ],
)
def test_a_phone_that_stays_away_says_what_was_tried(command: str | None, reason: str) -> None:
    limits = RecoveryLimits(command_s=0.5, return_s=0.5)
    with fake_server({}) as server, pytest.raises(NotRecovered, match=reason):
        Recovery(entry(command), limits).bring_back(AdbPhone(server, "A"))


def test_a_command_that_did_not_help_is_told() -> None:
    # Port 9 discards; nobody listens there.
    gone = AdbPhone(AdbServer(ServerAddress(port=9)), "A")
    with pytest.raises(NotRecovered, match="after 'true' it still does not answer"):
        Recovery(entry("true"), IMPATIENT).bring_back(gone)
