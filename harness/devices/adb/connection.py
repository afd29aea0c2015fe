"""Connections to an adb server: the one module that knows adbutils."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

from adbutils import AdbConnection
from adbutils.errors import AdbError, AdbTimeout

from harness.devices.transport.errors import ConnectionLost, DeadlineExceeded, Unreachable

DROP_REMEDY = (
    "try another cable or USB port, ADB_LIBUSB=0 in the adb server's environment, or another build "
    "of adb with --adb (the distribution's, `apt-get install adb`, has cured this before)"
)
"""What has helped phones that drop off USB (adb §3)."""

_CONNECT_S = 3.0
"""For a server that does not answer at all; one that is not there refuses at once."""


class NoServer(Unreachable):
    """Nobody listens where the adb server should be, or nobody who speaks its protocol.

    Attributes:
        address: ``HOST:PORT`` where it should be.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"there is no adb server at {address}: {reason}")
        self.address = address
        self.reason = reason


class ServerSaidNo(Exception):
    """The server answered FAIL; the text is its reason."""


class _ExistingServer(AdbConnection):  # type: ignore[misc]  # untyped base
    """Fails where adbutils would start a server on this machine, whatever host it was asked for."""

    def __init__(self, host: str, port: int, total_s: float) -> None:
        self._within = (host, port), min(total_s, _CONNECT_S)
        super().__init__(host, port)

    def _safe_connect(self) -> socket.socket:
        address, connect_s = self._within
        return socket.create_connection(address, connect_s)


class ServerConnection:
    """One conversation with an adb server, with a total time.

    Args:
        host: Name or address of the machine that the server is on.
        port: TCP port that it listens on.
        total_s: Time for everything that this connection does.

    Raises:
        NoServer: If nobody listens there.
        DeadlineExceeded: If there is no time at all.
    """

    def __init__(self, host: str, port: int, total_s: float) -> None:
        self._deadline = time.monotonic() + total_s
        self._total_s = total_s
        if total_s <= 0:
            raise DeadlineExceeded(f"no time is left to ask the adb server at {host}:{port}")
        try:
            self._connection = _ExistingServer(host, port, total_s)
        except (AdbError, OSError) as error:
            raise NoServer(f"{host}:{port}", str(error)) from error

    @property
    def socket(self) -> socket.socket:
        """For services that speak a protocol of their own."""
        connected: socket.socket = self._connection.conn
        return connected

    @property
    def left_s(self) -> float:
        """Time left; not below 0."""
        return max(0.0, self._deadline - time.monotonic())

    def shorten(self, total_s: float) -> None:
        """Have at most so much time from now on."""
        self._deadline = min(self._deadline, time.monotonic() + total_s)

    def close(self) -> None:
        """End the conversation; without the pause that adbutils makes."""
        self.socket.close()

    def request(self, service: str) -> None:
        """Ask for a service and wait until it is granted.

        Raises:
            ServerSaidNo: With the server's words.
            ConnectionLost: If no whole answer comes in time.
        """
        encoded = service.encode(errors="surrogateescape")
        with self._translated(service):
            self._limit()
            self.socket.sendall(f"{len(encoded):04x}".encode() + encoded)
            status = self._connection.read_exact(4)
            if status == b"FAIL":
                raise ServerSaidNo(self._block().decode(errors="replace"))
            if status != b"OKAY":
                raise ConnectionLost(f"{service!r} was answered with {status!r}")

    def block(self) -> bytes:
        """Read an answer that states its length.

        Raises:
            ConnectionLost: If it does not come whole and in time.
        """
        with self._translated("an answer"):
            return self._block()

    def receive(self, most: int) -> bytes:
        """Read what comes next; empty at the end.

        Raises:
            ConnectionLost: If nothing comes in time, or the connection breaks.
        """
        with self._translated("an answer"):
            self._limit()
            return self.socket.recv(most)

    def receive_exactly(self, length: int) -> bytes:
        """Read so many bytes.

        Raises:
            ConnectionLost: If they do not come in time, or the connection ends before.
        """
        parts = bytearray()
        while len(parts) < length:
            part = self.receive(length - len(parts))
            if not part:
                raise ConnectionLost("the connection ended in the middle of an answer")
            parts += part
        return bytes(parts)

    def _block(self) -> bytes:
        return self.receive_exactly(int(self.receive_exactly(4), 16))

    def _limit(self) -> None:
        if self.left_s == 0:
            raise DeadlineExceeded(f"not answered in {self._total_s:.0f} s")
        self.socket.settimeout(self.left_s)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Turn the five kinds of errors that a cut comes as into one (adb §3)."""
        try:
            yield
        except (TimeoutError, AdbTimeout) as error:
            raise DeadlineExceeded(f"{what} took more than {self._total_s:.0f} s") from error
        except (AdbError, EOFError, OSError, ValueError, struct.error) as error:
            raise ConnectionLost(f"{what}: {error or 'the connection was cut'}") from error


@contextmanager
def connected(host: str, port: int, total_s: float) -> Iterator[ServerConnection]:
    """A connection that is closed at the end.

    Raises:
        NoServer: If nobody listens there.
    """
    connection = ServerConnection(host, port, total_s)
    try:
        yield connection
    finally:
        connection.close()
