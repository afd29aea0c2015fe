"""Packets inside a shell v2 stream: one byte of kind, four of length, then the data.

Source: AOSP ``packages/modules/adb/shell_protocol.h``.
"""

from __future__ import annotations

import struct
from enum import IntEnum

_HEADER = struct.Struct("<BI")
HEADER_BYTES = _HEADER.size


class ShellKind(IntEnum):
    """What a packet holds."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    CLOSE_STDIN = 4
    WINDOW_SIZE = 5


def pack_shell(kind: ShellKind, data: bytes) -> bytes:
    """One packet."""
    return _HEADER.pack(kind, len(data)) + data


class ShellParser:
    """Cuts a stream of bytes, however they arrive, into shell packets."""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take bytes, and return the packets that they complete, as kind and data each."""
        self._kept += data
        packets = []
        position = 0
        while len(self._kept) - position >= HEADER_BYTES:
            kind, length = _HEADER.unpack_from(self._kept, position)
            end = position + HEADER_BYTES + length
            if len(self._kept) < end:
                break
            packets.append((kind, self._kept[position + HEADER_BYTES : end]))
            position = end
        self._kept = self._kept[position:]
        return packets
