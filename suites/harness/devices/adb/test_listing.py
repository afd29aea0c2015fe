"""Every line that an adb server lists is read: serial, state, and whether a cable is in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.adb.listing import ListedPhone, parse_listing

UDEV = (
    "no permissions (user in plugdev group; are your udev rules wrong?); see "
    "[http://developer.android.com/tools/device.html]"
)
STATES = (
    *("device", "offline", "unauthorized", "authorizing", "connecting", "bootloader", "recovery"),
    *("sideload", "rescue", "host", "detached", "unknown"),
    *("no permissions", UDEV, "no permissions; see [http://developer.android.com/tools]"),
    "no permissions (missing udev rules? user is in the plugdev group); see [http://a.b/c]",
)
FACTS = "product:manet model:M device:manet transport_id:2"


def one(line: bytes | str) -> tuple[str, str, bool]:
    """Serial, state and cable of the one phone of a listing."""
    (phone,) = parse_listing(line.encode() if isinstance(line, str) else line)
    return phone.serial, phone.state, phone.usb


@pytest.mark.parametrize(
    ("line", "serial", "state", "usb"),
    [
        (f"R5CT0000000            device usb:1-2 {FACTS}", "R5CT0000000", "device", True),
        (f"b0a1c2d3               device 3-1 {FACTS}", "b0a1c2d3", "device", True),
        (f"b0a1c2d3               device 3-1.4.2 {FACTS}", "b0a1c2d3", "device", True),
        (f"b0a1c2d3               device usb:336592896X {FACTS}", "b0a1c2d3", "device", True),
        (
            f"adb-R5CT-ab123C (2)._adb-tls-connect._tcp device {FACTS}",
            *("adb-R5CT-ab123C (2)._adb-tls-connect._tcp", "device", False),
        ),
        (f"adb-1 (2)._adb._tcp    offline {FACTS}", "adb-1 (2)._adb._tcp", "offline", False),
        (f"a device on my desk    device usb:1-1 {FACTS}", "a device on my desk", "device", True),
        (
            f"the offline host of my desk, 2nd device usb:1-1 {FACTS}",
            *("the offline host of my desk, 2nd", "device", True),
        ),
        ("device                 device transport_id:1", "device", "device", False),
        (f"192.168.1.7:5555       device {FACTS}", "192.168.1.7:5555", "device", False),
        (f"[::1]:5555             device {FACTS}", "[::1]:5555", "device", False),
        ("[fe80::1%eth0]:5555\tunauthorized", "[fe80::1%eth0]:5555", "unauthorized", False),
        ("emulator-5554          device", "emulator-5554", "device", False),
        ("emulator-5554\toffline", "emulator-5554", "offline", False),
        (f"A\tdevice usb:1-2 {FACTS}", "A", "device", True),
        (f"A device usb:1-2 {FACTS}", "A", "device", True),
        (f"A                      {UDEV} usb:1-1 transport_id:3", "A", UDEV, True),
        ("????????????\tno permissions", "????????????", "no permissions", False),
        (f"A                      device product:a b device model:M {FACTS}", "A", "device", False),
        (f"A                      device usb:1-2 speed:480 new:1 {FACTS}", "A", "device", True),
        (f"A                      newstate usb:1-2 {FACTS}", "A", "newstate", False),
        ("A\tnewstate", "A", "newstate", False),
        ("A newstate transport_id:1", "A", "newstate", False),
        ("A", "A", "", False),
        ("(no serial number)     device usb:1-1", "(no serial number)", "device", True),
    ],
)
def test_a_line_is_read(line: str, serial: str, state: str, usb: bool) -> None:
    assert one(line) == (serial, state, usb)


def test_a_phone_without_a_serial_cannot_be_asked_for() -> None:
    listed = parse_listing(
        b"(no serial number)     device usb:1-1\n????????????\tdevice\nA\tdevice\n"
    )
    assert [phone.has_serial for phone in listed] == [False, False, True]


def test_bytes_that_are_no_text_are_shown_and_sent_back_as_they_came() -> None:
    (phone,) = parse_listing(b"R5\xff\x85CT                  device usb:1-2\n")
    assert (phone.serial, phone.state) == (r"R5\xff\x85CT", "device")
    assert phone.wire_serial.encode(errors="surrogateescape") == b"R5\xff\x85CT"


@pytest.mark.parametrize("listing", [b"", b"\n", b" \r\n\n", b"\t\n"])
def test_an_empty_list_has_no_phones(listing: bytes) -> None:
    assert parse_listing(listing) == ()


WORD = st.text("ABCdef019-_.()[]:%#", min_size=1, max_size=12)
SERIAL = (
    st.lists(WORD, min_size=1, max_size=4)
    .map(" ".join)
    .filter(lambda serial: not set(serial.split()) & set(STATES))
)
PLACE = st.sampled_from(["", " usb:1-2", " 3-1", " usb:336592896X"])
VALUE = st.lists(WORD, min_size=1, max_size=2).map(" ".join)


@given(SERIAL, st.sampled_from(STATES), PLACE, VALUE, VALUE, st.booleans())
def test_whatever_a_server_writes_is_read_back(
    serial: str, state: str, place: str, product: str, model: str, has_facts: bool
) -> None:
    facts = f" product:{product} model:{model} device:d transport_id:7" if has_facts else ""
    line = f"{serial:<22} {state}{place}{facts}\n"
    assert one(line) == (serial, state, bool(place))
    assert one(f"{serial}\t{state}\n") == (serial, state, False)


@given(st.binary(max_size=300))
def test_no_listing_fails(listing: bytes) -> None:
    assert all(isinstance(phone, ListedPhone) for phone in parse_listing(listing))
