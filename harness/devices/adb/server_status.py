"""What an adb server says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_USB_BACKENDS = {1: "native", 2: "libusb"}
_BACKEND_FIELD, _VERSION_FIELD, _BUILD_FIELD, _PROGRAM_FIELD = 1, 5, 6, 7
"""Fields of ``AdbServerStatus``, AOSP packages/modules/adb/proto/adb_host.proto."""


@dataclass(frozen=True)
class ServerInfo:
    """Which adb a server is.

    Attributes:
        protocol: 41 for adb 1.0.41; the same for years of builds.
        version: ``36.0.0``, of the platform tools; None where the server is too old to tell.
        build: Number of the build; None likewise.
        usb_backend: ``native`` or ``libusb``; None likewise.
        program: Path on the server's machine; None likewise.
        features: What the host side can do.
    """

    protocol: int
    version: str | None
    build: str | None
    usb_backend: str | None
    program: str | None
    features: tuple[str, ...]

    def __str__(self) -> str:
        if self.version is None:
            return f"adb 1.0.{self.protocol}, older than 35 (it cannot say more)"
        return f"adb {self.version} build {self.build}, USB by {self.usb_backend}, {self.program}"


def parse_status(protocol: int, features: tuple[str, ...], status: bytes) -> ServerInfo:
    """Read the answer to ``host:server-status``.

    Args:
        protocol: Number that ``host:version`` tells.
        features: Words that ``host:host-features`` tells.
        status: A serialized ``AdbServerStatus``; empty where the server does not know the request.
    """
    fields = dict(_fields(status))
    backend = fields.get(_BACKEND_FIELD)
    return ServerInfo(
        protocol,
        _text(fields.get(_VERSION_FIELD)),
        _text(fields.get(_BUILD_FIELD)),
        _USB_BACKENDS.get(backend) if isinstance(backend, int) else None,
        _text(fields.get(_PROGRAM_FIELD)),
        features,
    )


def _text(value: int | bytes | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else None


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and strings of a protocol buffer; ends where other kinds begin."""
    position = 0
    while position < len(message):
        tag, position = _number(message, position)
        value, position = _number(message, position)
        if tag & 7 == 0:
            yield tag >> 3, value
        elif tag & 7 == 2:
            yield tag >> 3, message[position : position + value]
            position += value
        else:
            return


def _number(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(message):
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            break
    return value, position
