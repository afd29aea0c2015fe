"""What an adb server lists: a phone a line, as AOSP's ``append_transport`` writes it.

``host:devices`` writes serial, tab and state. ``host:devices-l`` pads the serial to 22 bytes, and
puts state, place of the device and facts behind it, each after a blank. Serials, states and facts
may hold blanks themselves, so a line is read from the state that fits it best.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

DEVICE = "device"
"""State of a phone that can be used."""

_STATES = (
    *("device", "offline", "unauthorized", "authorizing", "connecting", "bootloader", "recovery"),
    *("sideload", "rescue", "host", "detached", "unknown", "jail", "nopermission"),
)
"""All but one: ``no permissions``, which goes on with a reason and an address."""
_STATE = re.compile(
    rb"(?:^|[ \t]+)(no permissions(?: \(.*?\))?(?:; see \[\S*\])?|%s)(?=\s|$)"
    % "|".join(_STATES).encode()
)
_STATE_COLUMN = 23
_FACT = re.compile(rb"(?:^|\s)(?:product|model|device|features|transport_id):")
_NAMELESS = "(no serial number)"
_UNREADABLE = re.compile(r"^\?+$")
"""What adb before 2017 calls a phone that it may not open."""


@dataclass(frozen=True)
class ListedPhone:
    r"""A phone as an adb server lists it.

    Attributes:
        serial: The server's name for it: a serial number, ``HOST:PORT``, or a name on the network,
            which may hold blanks. Bytes that are no text are shown as ``\xff``.
        state: ``device``, ``unauthorized``, ``offline``, ``recovery``, ...
        usb: Whether it is on a cable.
        wire_serial: The serial as the server wants to hear it: bytes that are no text escaped as
            surrogates.
    """

    serial: str
    state: str
    usb: bool
    wire_serial: str

    @property
    def has_serial(self) -> bool:
        """Whether it can be asked for by its serial."""
        return self.serial != _NAMELESS and not _UNREADABLE.match(self.serial)


@dataclass(frozen=True)
class _Split:
    """A way to read a line."""

    serial: bytes
    state: bytes
    rest: bytes

    @property
    def places(self) -> list[bytes]:
        """Words before the facts: the place of the device, and facts that no adb here has."""
        facts = _FACT.search(self.rest)
        return self.rest[: facts.start() if facts else None].split()

    @property
    def is_likely(self) -> bool:
        """Whether what follows the state is the place of a device and facts."""
        return sum(b":" not in word for word in self.places) <= 1

    @property
    def is_on_cable(self) -> bool:
        """Whether a place is told, as on USB alone: ``usb:1-2``, or ``1-2`` with libusb."""
        return any(word.startswith(b"usb:") or b":" not in word for word in self.places)


def parse_listing(listing: bytes) -> tuple[ListedPhone, ...]:
    """Read an answer to ``host:devices-l`` or ``host:devices``; blank lines are no phones."""
    lines = (line.rstrip(b"\r") for line in listing.split(b"\n"))
    return tuple(_listed(line) for line in lines if line.strip())


def _listed(line: bytes) -> ListedPhone:
    split = _split(line)
    serial = split.serial.strip() or _NAMELESS.encode()
    return ListedPhone(
        serial.decode(errors="backslashreplace"),
        split.state.decode(errors="backslashreplace"),
        split.is_on_cable,
        serial.decode(errors="surrogateescape"),
    )


def _split(line: bytes) -> _Split:
    splits = [*_by_tab(line), *_by_column(line), *_by_state(line)]
    likely = (split for split in splits if split.is_likely)
    return next(likely, splits[0] if splits else _unknown_state(line))


def _by_tab(line: bytes) -> Iterator[_Split]:
    """The short listing, in which a tab ends the serial."""
    serial, _, rest = line.partition(b"\t")
    if found := _STATE.match(rest.lstrip()):
        yield _Split(serial, found[1], rest.lstrip()[found.end() :])


def _by_column(line: bytes) -> Iterator[_Split]:
    """The long one, in which a short serial is filled up with blanks."""
    serial, rest = line[:_STATE_COLUMN], line[_STATE_COLUMN:]
    found = _STATE.match(rest)
    if found and serial.endswith(b" ") and serial.strip():
        yield _Split(serial, found[1], rest[found.end() :])


def _by_state(line: bytes) -> Iterator[_Split]:
    """At each word that is a state; the serial before it is not empty."""
    for found in _STATE.finditer(line):
        if line[: found.start()].strip():
            yield _Split(line[: found.start()], found[1], line[found.end() :])


def _unknown_state(line: bytes) -> _Split:
    """A state that no adb known here has: behind a tab or in its column, else the second word."""
    serial, rest = line[:_STATE_COLUMN], line[_STATE_COLUMN:]
    if b"\t" in line:
        serial, _, rest = line.partition(b"\t")
    elif not (serial.endswith(b" ") and serial.strip() and rest.strip()):
        serial, _, rest = line.strip().partition(b" ")
    facts = _FACT.search(rest)
    words = rest[: facts.start() if facts else None].split()
    return _Split(serial, b" ".join(word for word in words if b":" not in word), b"")
