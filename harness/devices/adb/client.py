"""A phone behind an adb server: what is asked of it is answered whole, in time, or not at all."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.devices.adb.connection import ServerConnection, ServerSaidNo, connected
from harness.devices.adb.errors import DROP_REMEDY, ConnectionLost
from harness.devices.adb.server import AdbServer
from harness.devices.adb.sync_stream import StreamLimits, SyncStream

LONGEST_COMMAND_BYTES = 60_000
"""A server closes the connection at 65,535 (adb.md §3); longer ones are pushed as a script."""

_FEATURES_S = 5.0
_STDOUT, _STDERR, _EXIT = 1, 2, 3
_PACKET_HEADER_BYTES = 5
_OVER_TCP = re.compile(r"^.+:\d+$")
_REMEDIES = {
    "unauthorized": "tap Allow on its screen",
    "not found": DROP_REMEDY,
    "offline": DROP_REMEDY,
    "closed": DROP_REMEDY,
}


@dataclass(frozen=True)
class Answer:
    """What a command on a phone printed and returned.

    Attributes:
        raw: Standard output.
        raw_errors: Standard error; empty on a phone without shell v2, which mixes it into ``raw``.
        exit_code: Of the command.
    """

    raw: bytes
    raw_errors: bytes
    exit_code: int

    @property
    def stdout(self) -> str:
        """Standard output as text."""
        return self.raw.decode(errors="replace")

    @property
    def stderr(self) -> str:
        """Standard error as text, without blanks around it."""
        return self.raw_errors.decode(errors="replace").strip()


class AdbPhone:
    """One phone, held by its serial: its transport changes with every cut.

    Args:
        server: Where it is plugged in.
        serial: The server's name for it.
    """

    def __init__(self, server: AdbServer, serial: str) -> None:
        self.server = server
        self.serial = serial
        self._features: frozenset[str] | None = None

    @property
    def features(self) -> frozenset[str]:
        """What its adbd can do; asked once.

        Raises:
            ConnectionLost: If the phone is not there.
            NoServer: If the server is not there.
        """
        if self._features is None:
            answer = self.server.ask(f"host-serial:{self.serial}:features", _FEATURES_S)
            self._features = frozenset(answer.strip().split(","))
        return self._features

    def ask(self, command: str, total_s: float) -> Answer:
        """Run a short command; it reads nothing from standard input.

        Args:
            command: Shell text.
            total_s: Time for everything, the connection included.

        Raises:
            ConnectionLost: If the answer does not come whole; the command may run on.
            DeadlineExceeded: If it does not come in time, however much of it comes.
            NoServer: If the server is not there.
            ValueError: If the command is too long.
        """
        if len(command.encode()) > LONGEST_COMMAND_BYTES:
            raise ValueError(f"a command of {len(command.encode())} bytes; push it as a script")
        # Lines of their own: a comment at the command's end would swallow the bracket.
        quiet = f"( {command}\n) </dev/null"
        if "shell_v2" in self.features:
            with self._service(f"shell,v2,raw:{quiet}", total_s) as connection:
                return _read_packets(connection)
        trailer = secrets.token_hex(8)
        with self._service(f"shell:{quiet} 2>&1; echo {trailer} $?", total_s) as connection:
            return _read_until_trailer(connection, trailer.encode())

    @contextmanager
    def open_sync(self, limits: StreamLimits) -> Iterator[SyncStream]:
        """The phone's file service.

        Raises:
            ConnectionLost: If the phone is not there.
            NoServer: If the server is not there.
        """
        with self._service("sync:", limits.total_s) as connection:
            yield SyncStream(connection.socket, limits)

    @contextmanager
    def _service(self, service: str, total_s: float) -> Iterator[ServerConnection]:
        try:
            with self._opened(service, total_s) as connection:
                yield connection
        except ServerSaidNo as error:
            raise ConnectionLost(self._explained(str(error))) from error

    @contextmanager
    def _opened(self, service: str, total_s: float) -> Iterator[ServerConnection]:
        address = self.server.address
        with connected(address.host, address.port, total_s) as connection:
            try:
                connection.request(f"host:transport:{self.serial}")
            except ServerSaidNo as error:
                self._remember_the_way(str(error), connection.left_s)
                raise
            connection.request(service)
            yield connection

    def _remember_the_way(self, refusal: str, left_s: float) -> None:
        """Let a server that was restarted find a phone over TCP again; USB ones it finds itself."""
        if "not found" in refusal and _OVER_TCP.match(self.serial) and left_s > 0:
            self.server.connect(self.serial, left_s)

    def _explained(self, refusal: str) -> str:
        remedy = next((text for word, text in _REMEDIES.items() if word in refusal), "")
        told = f"{self.serial} on the adb server at {self.server.address}: {refusal}"
        return f"{told}; {remedy}" if remedy else told


def _read_packets(connection: ServerConnection) -> Answer:
    """Read shell v2: id, length and content of each part, the exit code last."""
    streams = {_STDOUT: bytearray(), _STDERR: bytearray()}
    while True:
        header = connection.receive_exactly(_PACKET_HEADER_BYTES)
        kind, length = header[0], int.from_bytes(header[1:], "little")
        content = connection.receive_exactly(length)
        if kind == _EXIT:
            return Answer(bytes(streams[_STDOUT]), bytes(streams[_STDERR]), content[0])
        if kind in streams:
            streams[kind] += content


def _read_until_trailer(connection: ServerConnection, trailer: bytes) -> Answer:
    """Read shell v1, which says neither how long an answer is nor how the command ended."""
    received = bytearray()
    while part := connection.receive(65_536):
        received += part
    # Old phones end lines as terminals do.
    found = re.search(rb"%s (\d+)\r?\n$" % trailer, received[-64:])
    if not found:
        raise ConnectionLost("the answer was cut off before its end")
    whole = len(received) - (len(received[-64:]) - found.start())
    return Answer(bytes(received[:whole]), b"", int(found[1]))
