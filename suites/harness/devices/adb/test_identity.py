"""A phone is what it says it is, however many connections and names it has."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest

from harness.devices.adb.discovery import find_phones
from harness.devices.adb.server import AdbServer, ServerAddress, parse_address, parse_addresses
from harness.devices.phone.fleet.phone_selection import choose_phones
from harness.devices.transport.found_phone import Discovery
from harness.errors import UserError
from harness.virtual_phone.faults import Cut, CutTrigger, Faults
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.devices.adb.fake_server import Plugged, fake_server

OVER_TCP = "device product:p model:m device:d transport_id:2"
A = {"ro.serialno": "A", "ro.soc.model": "SM8550", "ro.product.model": "Phone"}
SOON_S = 8


def find(phones: dict[str, Plugged]) -> Discovery:
    with fake_server(phones) as server:
        return find_phones([server])


def with_soc(soc: str) -> Plugged:
    return Plugged(properties={"ro.serialno": "A", "ro.soc.model": soc})


@pytest.mark.parametrize("order", [1, -1])
def test_a_phone_on_a_cable_and_in_the_network_is_one_on_the_cable(order: int) -> None:
    both = [("A", Plugged(properties=A)), ("192.0.2.7:5555", Plugged(OVER_TCP, A))]

    discovery = find(dict(both[::order]))

    (phone,) = discovery.phones
    assert (phone.phone.serial, phone.also_at) == ("A", ("192.0.2.7:5555",))
    assert choose_phones(discovery, None, "192.0.2.7:5555") == (phone,)
    assert discovery.unusable == ()


def test_a_phone_that_the_server_probed_for_itself_is_no_second_one() -> None:
    """A server finds whatever listens on the ports of Android's emulator."""
    twice = {"emulator-5554": Plugged(OVER_TCP, A), "127.0.0.1:5555": Plugged(OVER_TCP, A)}
    discovery = find(twice)
    assert choose_phones(discovery, None, "emulator-5554") == choose_phones(
        discovery, None, "127.0.0.1:5555"
    )


def test_two_phones_with_one_serial_number_are_not_taken_for_one() -> None:
    """Their boots differ; which one a lease would hold, nobody could tell."""
    discovery = find({"A": Plugged(properties=A), "B": Plugged(properties=A, boot_id="another")})
    assert discovery.phones == ()
    assert [str(one) for one in discovery.unusable] == [
        "A is one of 2 phones with the serial number A; keep one of them",
        "B is one of 2 phones with the serial number A; keep one of them",
    ]


@pytest.mark.parametrize(
    ("told", "soc"),
    [("SM8550", "SM8550"), ("SM8750P", "SM8750"), ("sm8650", "SM8650"), ("SXR2230P", "SXR2230P")],
)
def test_a_soc_is_known_by_the_start_of_its_number(told: str, soc: str) -> None:
    (phone,) = find({"A": with_soc(told)}).phones
    assert (phone.soc, phone.soc_raw) == (soc, told)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("SM7550", "has the SoC 'SM7550' (ro.soc.model), whose HTP is not known"),
        ("MT6989", "tells no Snapdragon as its SoC (ro.soc.model is 'MT6989')"),
        ("s5e9945", "tells no Snapdragon as its SoC (ro.soc.model is 's5e9945')"),
        ("", "tells no Snapdragon as its SoC (ro.soc.model is '')"),
    ],
)
def test_a_soc_that_qnn_cannot_run_on_makes_a_phone_unusable(told: str, reason: str) -> None:
    discovery = find({"A": with_soc(told)})
    assert [one.reason for one in discovery.unusable] == [reason]


def test_the_name_of_a_board_tells_no_soc() -> None:
    """An SM8550 and a QCS8550 are both ``kalama``."""
    kalama = Plugged(properties={"ro.serialno": "A", "ro.board.platform": "kalama"})
    assert find({"A": kalama}).phones == ()


@pytest.mark.parametrize(
    ("serial", "line", "words"),
    [
        ("A", "unauthorized usb:1-1 transport_id:3", "A has not authorized this computer"),
        ("A", "offline usb:1-1 transport_id:3", "A is offline"),
        ("A", "recovery usb:1-1 transport_id:3", "A is in recovery"),
        ("A", "detached usb:1-1 transport_id:3", "A is in state 'detached'"),
        (
            "A",
            "no permissions (user in plugdev group; are your udev rules wrong?); see "
            "[http://developer.android.com/tools/device.html] usb:1-1 transport_id:3",
            "A may not be opened by the adb server",
        ),
        (
            "(no serial number)",
            "no permissions usb:1-1 transport_id:3",
            "(no serial number) may not be opened by the adb server",
        ),
    ],
)
def test_every_unusable_phone_is_listed_with_its_reason(serial: str, line: str, words: str) -> None:
    discovery = find({serial: Plugged(line)})
    assert discovery.phones == ()
    with pytest.raises(UserError, match=r"No phone can be used: .*; ") as refusal:
        choose_phones(discovery, "SM8550", None)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "serial",
    [
        "adb-R5CT0000000-ab123C (2)._adb-tls-connect._tcp",
        "R5CT 0000",
        "[fe80::1%eth0]:5555",
        "emulator-5554",
    ],
)
@pytest.mark.parametrize("place", ["usb:1-1", "3-1", ""])
def test_a_phone_is_chosen_by_any_serial_that_a_server_lists(serial: str, place: str) -> None:
    line = f"device {place} product:p model:m device:d transport_id:1"
    discovery = find({serial: Plugged(line, A)})
    (phone,) = choose_phones(discovery, None, serial)
    assert phone.serialno == "A"
    assert shlex.split(" ".join(phone.phone.shell_words))[-2] == serial


def test_a_serial_with_blanks_can_be_typed_as_the_sentence_has_it() -> None:
    listed = Plugged(properties={"ro.soc.model": "SM8550"})
    discovery = find({"adb-X (2)._tcp": listed})
    with pytest.raises(UserError) as refusal:
        choose_phones(discovery, None, "absent")
    assert "--serial 'adb-X (2)._tcp'" in str(refusal.value)


def test_an_unusable_phone_is_told_beside_one_of_another_soc() -> None:
    discovery = find({"A": with_soc("SM8650"), "B": Plugged("unauthorized usb:1-2")})
    with pytest.raises(UserError, match=r"but A .*SM8650.*--soc SM8650.*; B has not authorized"):
        choose_phones(discovery, "SM8550", None)


def test_phones_that_hang_delay_no_other(adb_server: PrivateAdbServer, tmp_path: Path) -> None:
    stall = Faults(triggers=(CutTrigger(on_command="getprop", cut=Cut(how="stall")),))
    with (
        VirtualPhone(root=tmp_path / "a") as one,
        VirtualPhone(root=tmp_path / "b") as two,
        VirtualPhone(root=tmp_path / "c") as good,
    ):
        phones = (one, two, good)
        for phone in phones:
            adb_server.attach(phone)
        one.set_faults(stall)
        two.set_faults(stall)
        start_s = time.monotonic()
        discovery = find_phones([AdbServer(ServerAddress(port=adb_server.port))])
        took_s = time.monotonic() - start_s
        for phone in phones:
            adb_server.unplug(phone)

    assert [phone.serialno for phone in discovery.phones] == [good.serialno]
    assert {unusable.serial for unusable in discovery.unusable} == {one.serial, two.serial}
    assert took_s < SOON_S


def test_several_servers_are_named_by_commas_or_one_by_one() -> None:
    several = parse_addresses(["lab3, lab4:6000", "lab3:5037"])
    assert several == (ServerAddress("lab3"), ServerAddress("lab4", 6000))
    assert parse_addresses([]) == ()


@pytest.mark.parametrize("text", ["", "::1", "lab3,"])
def test_what_names_no_server_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="--adb-host"):
        parse_addresses([text])


def test_an_address_of_a_host_alone_has_the_usual_port() -> None:
    assert str(parse_address("lab3")) == "lab3:5037"
