"""A conversation in adb's sync protocol over an open connection."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO

from harness.devices.adb.protocol.errors import ConnectionLost, DeadlineExceeded, PhoneRefused
from harness.devices.adb.protocol.sync import (
    CHUNK_BYTES,
    HEADER_BYTES,
    ChunkedReader,
    Header,
    end_of_file,
    receive_request,
    send_request,
)

_LONGEST_WORDS_BYTES = 64 * 1024


@dataclass(frozen=True)
class StreamLimits:
    """When a transfer counts as broken.

    Attributes:
        stall_s: Time in which a MiB, or an answer, must get through.
        total_s: Time for one file.
    """

    stall_s: float
    total_s: float


class SyncStream:
    """Sends and receives files, one after another.

    Args:
        connection: To a phone's sync service.
        limits: When to give up.
    """

    def __init__(self, connection: socket.socket, limits: StreamLimits) -> None:
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
            permissions: Permission bits.
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

    def receive_file(self, path: str) -> Iterator[bytes]:
        """Content of a file on the phone, part by part.

        Raises:
            PhoneRefused: With the phone's own words; also if there is no such file.
            ConnectionLost: If the connection is cut, or nothing moves any more.
        """
        with self._translated(path):
            self._write(receive_request(path))
            while (header := self._read_header()).kind == "DATA":
                yield self._read(header.number)
            if header.kind != "DONE":
                raise PhoneRefused(self._words(header))

    def _expect_okay(self) -> None:
        header = self._read_header()
        if header.kind != "OKAY":
            raise PhoneRefused(self._words(header))

    def _words(self, header: Header) -> str:
        if header.kind != "FAIL" or header.number > _LONGEST_WORDS_BYTES:
            raise ConnectionLost(f"the phone answered {header}, which is no answer")
        return self._read(header.number).decode(errors="replace")

    def _is_answered(self) -> bool:
        """Whether the phone answered before the end of a file, as it does only to refuse it."""
        readable, _, _ = select.select([self._connection], [], [], 0)
        return bool(readable)

    def _read_header(self) -> Header:
        header = Header.unpack(self._read(HEADER_BYTES))
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
