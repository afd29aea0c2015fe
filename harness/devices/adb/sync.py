"""adb's sync protocol: the packets in which files travel to a phone.

Every packet is four letters, a little-endian number of 32 bits and, for most of them, so many
bytes.
Source: AOSP, ``packages/modules/adb/file_sync_protocol.h`` and ``SYNC.TXT``.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO

from harness.devices.transport.errors import ConnectionLost, DeadlineExceeded, PhoneRefused
from harness.devices.transport.phone import SendLimits
from harness.errors import UserError

CHUNK_BYTES = 64 * 1024
"""Most that one ``DATA`` packet may carry; adbutils sends 4 KiB, at a third of the speed."""

HEADER_BYTES = 8
_LONGEST_WORDS_BYTES = 64 * 1024

_HEADER = struct.Struct("<4sI")
_REGULAR_FILE = 0o100000


@dataclass(frozen=True)
class SyncHeader:
    """Start of a packet.

    Attributes:
        kind: ``OKAY``, ``FAIL``, ``DATA`` or ``DONE``.
        number: Bytes that follow; a time of modification in a ``DONE`` to the phone.
    """

    kind: str
    number: int

    @classmethod
    def unpack(cls, data: bytes) -> SyncHeader:
        """Read eight bytes."""
        kind, number = _HEADER.unpack(data)
        return cls(kind.decode("latin-1"), number)

    def pack(self) -> bytes:
        """Eight bytes."""
        return _HEADER.pack(self.kind.encode("latin-1"), self.number)


def send_request(path: str, permissions: int) -> bytes:
    """``SEND``: a file with these permission bits follows; it replaces what is there."""
    argument = f"{path},{_REGULAR_FILE | permissions}".encode()
    return SyncHeader("SEND", len(argument)).pack() + argument


def end_of_file(modified_s: int) -> bytes:
    """``DONE``: the file is complete.

    Args:
        modified_s: Its time of modification in seconds since 1970.
    """
    return SyncHeader("DONE", modified_s & 0xFFFFFFFF).pack()


class ChunkedReader:
    """Reads a file as ``DATA`` packets, many at once and without copying them.

    Args:
        file: Open unbuffered, at the first byte to send.
        byte_count: How many bytes to send from there.
        chunks: Packets at a time; they are the memory a push takes.

    Attributes:
        bytes_left: Content not yet read.
    """

    def __init__(self, file: FileIO, byte_count: int, chunks: int = 16) -> None:
        self._file = file
        self.bytes_left = byte_count
        self._packets = bytearray(chunks * (HEADER_BYTES + CHUNK_BYTES))

    def next_packets(self) -> memoryview:
        """The next packets, empty at the end; valid until the next call.

        Raises:
            UserError: If the file is shorter than announced.
        """
        packets = memoryview(self._packets)
        filled = 0
        while self.bytes_left and filled < len(packets):
            content = packets[filled + HEADER_BYTES :][: min(CHUNK_BYTES, self.bytes_left)]
            count = self._file.readinto(content)
            if not count:
                raise UserError(
                    f"{self._file.name} lost its last {self.bytes_left:,} bytes while it was sent; "
                    "run again when nothing writes to it."
                )
            _HEADER.pack_into(self._packets, filled, b"DATA", count)
            filled += HEADER_BYTES + count
            self.bytes_left -= count
        return packets[:filled]


class SyncStream:
    """Sends files, one after another.

    Args:
        connection: Socket to a phone's sync service.
        limits: When to give up.
    """

    def __init__(self, connection: socket.socket, limits: SendLimits) -> None:
        self._connection = connection
        self._limits = limits
        self._deadline = time.monotonic() + limits.total_s

    def send_file(
        self,
        file: FileIO,
        byte_count: int,
        path: str,
        permissions: int,
        on_sent: Callable[[int], None],
    ) -> None:
        """Send the next bytes of an open file as a file of their own.

        Args:
            file: Open unbuffered, at the first byte to send.
            byte_count: How many bytes to send.
            path: On the phone; what is there is replaced.
            permissions: Permission bits of the file there.
            on_sent: Told how many bytes have left, a MiB or so at a time.

        Raises:
            PhoneRefused: With the phone's own words.
            ConnectionLost: If the connection is cut, or nothing moves any more.
            UserError: If the file is shorter than that.
        """
        reader = ChunkedReader(file, byte_count)
        with self._translated(path):
            self._write(send_request(path, permissions))
            while packets := reader.next_packets():
                self._write(packets)
                on_sent(byte_count - reader.bytes_left)
                if self._is_answered():
                    break
            else:
                self._write(end_of_file(int(time.time())))
            self._expect_okay()

    def _expect_okay(self) -> None:
        header = self._read_header()
        if header.kind != "OKAY":
            raise PhoneRefused(self._words(header))

    def _words(self, header: SyncHeader) -> str:
        if header.kind != "FAIL" or header.number > _LONGEST_WORDS_BYTES:
            raise ConnectionLost(f"the phone answered {header}, which is no answer")
        return self._read(header.number).decode(errors="replace")

    def _is_answered(self) -> bool:
        """Whether the phone answered before the end of a file, as it does only to refuse it."""
        readable, _, _ = select.select([self._connection], [], [], 0)
        return bool(readable)

    def _read_header(self) -> SyncHeader:
        header = SyncHeader.unpack(self._read(HEADER_BYTES))
        if header.kind == "DATA" and header.number > CHUNK_BYTES:
            raise ConnectionLost(f"the phone sent {header}, which is too much")
        return header

    def _read(self, byte_count: int) -> bytes:
        data = bytearray()
        while len(data) < byte_count:
            self._limit_next_step()
            part = self._connection.recv(byte_count - len(data))
            if not part:
                raise EOFError("the connection ended")
            data += part
        return bytes(data)

    def _write(self, data: bytes | memoryview) -> None:
        self._limit_next_step()
        self._connection.sendall(data)

    def _limit_next_step(self) -> None:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(f"not done in {self._limits.total_s:.0f} s")
        self._connection.settimeout(min(self._limits.stall_s, left_s))

    @contextmanager
    def _translated(self, path: str) -> Iterator[None]:
        try:
            yield
        except TimeoutError as error:
            raise DeadlineExceeded(f"{path}: {error}") from error
        except (EOFError, OSError) as error:
            raise ConnectionLost(f"{path}: {error}") from error
