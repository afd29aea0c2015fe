"""Packets of adb's transport protocol: 24 bytes of header, then a payload.

Source: AOSP ``packages/modules/adb/protocol.txt``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER_BYTES = 24
MAX_PAYLOAD_BYTES = 1 << 20

VERSION_WITH_CHECKSUMS = 0x01000000
VERSION_WITHOUT_CHECKSUMS = 0x01000001

_HEADER = struct.Struct("<6I")
_MASK = 0xFFFFFFFF


class AdbCommand(IntEnum):
    """What a packet asks for; four ASCII letters in the byte order of the wire."""

    CNXN = int.from_bytes(b"CNXN", "little")
    AUTH = int.from_bytes(b"AUTH", "little")
    OPEN = int.from_bytes(b"OPEN", "little")
    OKAY = int.from_bytes(b"OKAY", "little")
    CLSE = int.from_bytes(b"CLSE", "little")
    WRTE = int.from_bytes(b"WRTE", "little")


class AuthKind(IntEnum):
    """First argument of an ``AUTH`` packet."""

    TOKEN = 1
    SIGNATURE = 2
    PUBLIC_KEY = 3


class BadPacket(ConnectionError):
    """Bytes that are no packet of this protocol; the transport cannot go on after them."""


@dataclass(frozen=True)
class Header:
    """The fixed part of a packet.

    Attributes:
        command: What it asks for.
        first: Depends on the command; a stream's id on the sender's side for most.
        second: Depends on the command; a stream's id on the receiver's side for most.
        payload_bytes: Length of what follows.
        checksum: Sum of the payload's bytes, 0 where the protocol version has none.
    """

    command: AdbCommand
    first: int
    second: int
    payload_bytes: int
    checksum: int

    def pack(self) -> bytes:
        """The 24 bytes of the wire."""
        return _HEADER.pack(
            self.command,
            self.first,
            self.second,
            self.payload_bytes,
            self.checksum,
            self.command ^ _MASK,
        )


def parse_header(data: bytes) -> Header:
    """Read 24 bytes of the wire.

    Raises:
        BadPacket: If the magic, the command or the length is impossible.
    """
    if len(data) != HEADER_BYTES:
        raise BadPacket(f"a header has {HEADER_BYTES} bytes, not {len(data)}")
    command, first, second, payload_bytes, payload_checksum, magic = _HEADER.unpack(data)
    if magic != command ^ _MASK:
        raise BadPacket(f"magic {magic:#010x} does not belong to command {command:#010x}")
    if payload_bytes > MAX_PAYLOAD_BYTES:
        raise BadPacket(f"a payload of {payload_bytes} bytes is over {MAX_PAYLOAD_BYTES}")
    try:
        known = AdbCommand(command)
    except ValueError as error:
        raise BadPacket(f"unknown command {command:#010x}") from error
    return Header(known, first, second, payload_bytes, payload_checksum)


def checksum(payload: bytes | memoryview) -> int:
    """Sum of a payload's bytes, as protocol version 0x01000000 sends it."""
    return sum(payload) & _MASK
