"""adb's sync protocol: the packets in which files travel to and from a phone.

Every packet is four letters, a little-endian number of 32 bits and, for most of them, so many
bytes.
Source: AOSP, ``packages/modules/adb/file_sync_protocol.h`` and ``SYNC.TXT``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import FileIO

from harness.errors import UserError

CHUNK_BYTES = 64 * 1024
"""Most that one ``DATA`` packet may carry; adbutils sends 4 KiB, at a third of the speed."""

HEADER_BYTES = 8

_HEADER = struct.Struct("<4sI")
_REGULAR_FILE = 0o100000


@dataclass(frozen=True)
class Header:
    """Start of a packet.

    Attributes:
        kind: ``OKAY``, ``FAIL``, ``DATA`` or ``DONE``.
        number: Bytes that follow; a time of modification in a ``DONE`` to the phone.
    """

    kind: str
    number: int

    @classmethod
    def unpack(cls, data: bytes) -> Header:
        """Read eight bytes."""
        kind, number = _HEADER.unpack(data)
        return cls(kind.decode("latin-1"), number)

    def pack(self) -> bytes:
        """Eight bytes."""
        return _HEADER.pack(self.kind.encode("latin-1"), self.number)


def send_request(path: str, permissions: int) -> bytes:
    """``SEND``: a file with these permission bits follows; it replaces what is there."""
    argument = f"{path},{_REGULAR_FILE | permissions}".encode()
    return Header("SEND", len(argument)).pack() + argument


def receive_request(path: str) -> bytes:
    """``RECV``: asks for a file's content."""
    argument = path.encode()
    return Header("RECV", len(argument)).pack() + argument


def end_of_file(modified_s: int) -> bytes:
    """``DONE``: the file is complete.

    Args:
        modified_s: Its time of modification in seconds since 1970.
    """
    return Header("DONE", modified_s & 0xFFFFFFFF).pack()


class ChunkedReader:
    """Reads a file as ``DATA`` packets, many at once and without copying them.

    Args:
        file: Open unbuffered, at the first byte to send.
        byte_count: How many bytes to send from there.
        chunks: Packets at a time; they are the memory a push takes.
    """

    def __init__(self, file: FileIO, byte_count: int, chunks: int = 16) -> None:
        self._file = file
        self._left = byte_count
        self._packets = bytearray(chunks * (HEADER_BYTES + CHUNK_BYTES))

    @property
    def bytes_left(self) -> int:
        """Content not yet read."""
        return self._left

    def next_packets(self) -> memoryview:
        """The next packets, empty at the end; valid until the next call.

        Raises:
            UserError: If the file is shorter than announced.
        """
        packets = memoryview(self._packets)
        filled = 0
        while self._left and filled < len(packets):
            content = packets[filled + HEADER_BYTES :][: min(CHUNK_BYTES, self._left)]
            count = self._file.readinto(content)
            if not count:
                raise UserError(
                    f"{self._file.name} lost its last {self._left} bytes while it was sent; run "
                    "again when nothing writes to it."
                )
            _HEADER.pack_into(self._packets, filled, b"DATA", count)
            filled += HEADER_BYTES + count
            self._left -= count
        return packets[:filled]
