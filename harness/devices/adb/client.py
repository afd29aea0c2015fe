"""A phone behind an adb server: what is asked of it is answered whole, in time, or not at all."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO

from harness.devices.adb.connection import (
    DROP_REMEDY,
    NoServer,
    ServerConnection,
    ServerSaidNo,
    connected,
)
from harness.devices.adb.greeting import GreetingWatch
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.adb.sync import SyncStream
from harness.devices.transport.errors import AnswerTooLong, ConnectionLost, DeadlineExceeded
from harness.devices.transport.found_phone import PhoneUnusable
from harness.devices.transport.phone import CommandResult, SendLimits

LONGEST_COMMAND_BYTES = 60_000
"""A server closes the connection at 65,535 (adb §3); longer ones are pushed as a script."""

LONGEST_ANSWER_BYTES = 16 << 20
"""An answer is kept in memory; a command that never stops printing must not fill it."""

_SHELL = "shell_v2"
"""Feature of an adbd that tells exit codes and keeps errors apart from output."""
_STDOUT, _STDERR, _EXIT = 1, 2, 3
_PACKET_HEADER_BYTES = 5
_PERMISSIONS = 0o600
_RECONNECT_S = 5.0
_OVER_TCP = re.compile(r"^.+:\d+$")
_ALLOW = "unlock it and tap Allow on its screen"


class AdbPhone:
    """One phone, held by its serial: what adb calls its transport changes with every cut.

    Args:
        server: Server that it is plugged into.
        serial: The server's name for it.
        wire_serial: The same as the server wants to hear it, see ``ListedPhone``.
    """

    def __init__(self, server: AdbServer, serial: str, wire_serial: str | None = None) -> None:
        self.server = server
        self.serial = serial
        self._wire_serial = wire_serial or serial
        self.drops = 0
        self._features: frozenset[str] | None = None
        self._greeting = GreetingWatch()

    @property
    def home(self) -> str:
        """The one folder that a plain adb shell may write to and run programs from."""
        return "/data/local/tmp"

    @property
    def shell_words(self) -> tuple[str, ...]:
        """How the adb program is asked to run what follows on this phone, from this machine."""
        address = self.server.address
        at = () if address == ServerAddress() else ("-H", address.host, "-P", str(address.port))
        return ("adb", *at, "-s", shlex.quote(self.serial), "shell")

    def ask(self, command: str, total_s: float) -> CommandResult:
        """Run a short command, as ``Commands.ask``.

        Raises:
            PhoneUnusable: If the phone is so old that it tells no exit codes.
            ValueError: If the command is too long.
        """
        with self.begin(command, total_s) as collect:
            return collect(total_s)

    @contextmanager
    def begin(self, command: str, total_s: float) -> Iterator[Callable[[float], CommandResult]]:
        """Start a short command, as ``Commands.begin``.

        Raises:
            PhoneUnusable, ValueError: As ``ask``.
        """
        end_s = time.monotonic() + total_s
        self._check_shell(total_s)
        with self._service(_shell_service(command), end_s - time.monotonic()) as connection:

            def collect(within_s: float) -> CommandResult:
                connection.shorten(within_s)
                return read_packets(connection)

            yield collect

    def send(
        self,
        file: FileIO,
        byte_count: int,
        remote: str,
        limits: SendLimits,
        on_sent: Callable[[int], None],
    ) -> None:
        """Send the next bytes of an open file as a file of their own, as ``Files.send``."""
        with self._service("sync:", limits.total_s) as connection:
            stream = SyncStream(connection.socket, limits)
            stream.send_file(file, byte_count, remote, _PERMISSIONS, on_sent)

    def revive(self) -> None:
        """Let the server drop the transport, which it may still think fine, and make a new one."""
        self._reconnect(_RECONNECT_S)

    def _reconnect(self, within_s: float) -> None:
        request = f"host-serial:{self._wire_serial}:reconnect"
        with suppress(ConnectionLost, NoServer):
            self.server.ask(request, min(within_s, _RECONNECT_S))

    def _check_shell(self, total_s: float) -> None:
        """Ask once what its adbd can do."""
        if self._features is None:
            with self._connected(total_s) as connection:
                self._request_of_phone(connection, f"host-serial:{self._wire_serial}:features")
                words = connection.block().decode(errors="replace")
            self._features = frozenset(filter(None, words.strip().split(",")))
        if _SHELL not in self._features:
            raise PhoneUnusable(
                self.serial,
                f"has an adbd without {_SHELL} among its {len(self._features)} features, as "
                "Android 6 and older do, which tells no exit codes",
                "use a phone with Android 7 or newer: python -m harness doctor lists them",
            )

    @contextmanager
    def _service(self, service: str, total_s: float) -> Iterator[ServerConnection]:
        with self._connected(total_s) as connection:
            self._request_of_phone(connection, f"host:transport:{self._wire_serial}")
            connection.request(service)
            yield connection

    @contextmanager
    def _connected(self, total_s: float) -> Iterator[ServerConnection]:
        """Connect to the server; a failure says of which phone it is and what helps."""
        address = self.server.address
        try:
            with connected(address.host, address.port, total_s) as connection:
                yield connection
        except ServerSaidNo as error:
            raise ConnectionLost(self._explained(str(error))) from error
        except DeadlineExceeded as error:
            raise DeadlineExceeded(self._explained(str(error))) from error
        except ConnectionLost as error:
            raise ConnectionLost(self._explained(str(error))) from error

    def _request_of_phone(self, connection: ServerConnection, request: str) -> None:
        """Let a server that was restarted find a phone over TCP again; USB ones it finds itself.

        A transport whose greeting got lost stays offline until somebody has it made anew.
        """
        try:
            connection.request(request)
        except ServerSaidNo as error:
            if "not found" in str(error) and _OVER_TCP.match(self.serial):
                self.server.connect(self.serial, connection.left_s)
            if self._greeting.is_overdue(is_offline="device offline" in str(error)):
                self._reconnect(connection.left_s)
            raise
        self._greeting.is_overdue(is_offline=False)

    def _explained(self, failure: str) -> str:
        remedy = _ALLOW if "unauthorized" in failure else DROP_REMEDY
        return f"{self.serial} on the {self.server}: {failure}; {remedy}"


def _shell_service(command: str) -> str:
    # A line of its own: a comment at the command's end would swallow the bracket.
    service = f"shell,v2,raw:( {command}\n) </dev/null"
    if len(service.encode()) > LONGEST_COMMAND_BYTES:
        raise ValueError(f"a command of {len(service.encode())} bytes; push it as a script")
    return service


def read_packets(connection: ServerConnection) -> CommandResult:
    """Read shell v2: id, length and content of each part, the exit code last.

    Raises:
        ConnectionLost: If it ends before the exit code.
        AnswerTooLong: If it does not end.
    """
    streams = {_STDOUT: bytearray(), _STDERR: bytearray()}
    while True:
        header = connection.receive_exactly(_PACKET_HEADER_BYTES)
        kind, length = header[0], int.from_bytes(header[1:], "little")
        _check_length(length + sum(map(len, streams.values())))
        content = connection.receive_exactly(length)
        if kind == _EXIT and content:
            return CommandResult(bytes(streams[_STDOUT]), bytes(streams[_STDERR]), content[0])
        if kind in streams:
            streams[kind] += content


def _check_length(length: int) -> None:
    if length > LONGEST_ANSWER_BYTES:
        raise AnswerTooLong(
            f"a command printed more than {LONGEST_ANSWER_BYTES >> 20} MiB; run it into a file and "
            "pull that"
        )
