"""A phone behind an adb server: what is asked of it is answered whole, in time, or not at all."""

from __future__ import annotations

import re
import secrets
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.adb.protocol.answer import Answer, read_packets, read_until_trailer
from harness.devices.adb.protocol.connection import ServerConnection, ServerSaidNo, connected
from harness.devices.adb.protocol.errors import DROP_REMEDY, ConnectionLost, DeadlineExceeded
from harness.devices.adb.protocol.server import AdbServer, ServerAddress
from harness.devices.adb.protocol.sync_stream import StreamLimits, SyncStream

LONGEST_COMMAND_BYTES = 60_000
"""A server closes the connection at 65,535 (adb §3); longer ones are pushed as a script."""

_FEATURES_S = 5.0
_OVER_TCP = re.compile(r"^.+:\d+$")
_ALLOW = "unlock it and tap Allow on its screen"


class AdbPhone:
    """One phone, held by its serial: its transport changes with every cut.

    Args:
        server: Where it is plugged in.
        serial: The server's name for it.
    """

    def __init__(self, server: AdbServer, serial: str) -> None:
        self.server = server
        self.serial = serial
        self.drops = 0
        """Cuts of its connection that whoever held on to it has noticed."""
        self._features: frozenset[str] | None = None

    def note_drop(self) -> None:
        """Count one more."""
        self.drops += 1

    @property
    def adb_words(self) -> tuple[str, ...]:
        """How the adb program is asked for this phone, from this machine."""
        address = self.server.address
        if address == ServerAddress():
            return ("adb", "-s", self.serial)
        return ("adb", "-H", address.host, "-P", str(address.port), "-s", self.serial)

    @property
    def features(self) -> frozenset[str]:
        """What its adbd can do; asked once.

        Raises:
            ConnectionLost: If the phone is not there.
            NoServer: If the server is not there.
        """
        return self._features_within(_FEATURES_S)

    def ask(self, command: str, total_s: float) -> Answer:
        """Run a short command; it reads nothing from standard input.

        Args:
            command: Shell text.
            total_s: Time for everything, the connection included.

        Raises:
            ConnectionLost: If the answer does not come whole; the command may run on.
            DeadlineExceeded: If it does not come in time, however much of it comes.
            NoServer: If the server is not there.
            AnswerTooLong: If it prints without end.
            ValueError: If the command is too long.
        """
        with self.begin(command, total_s) as collect:
            return collect(total_s)

    @contextmanager
    def begin(self, command: str, total_s: float) -> Iterator[Callable[[float], Answer]]:
        """Start a short command, to do something else before its answer is collected.

        Leaving closes the connection. What the phone prints then goes nowhere; a command that
        is still running ends with that if it minds.

        Args:
            command: Shell text; it reads nothing from standard input.
            total_s: Time for everything, the connection included.

        Yields:
            What collects the answer, within so many seconds.

        Raises:
            ConnectionLost, DeadlineExceeded, NoServer, AnswerTooLong, ValueError: As ``ask``.
        """
        end_s = time.monotonic() + total_s
        trailer = secrets.token_hex(8)
        packets = "shell_v2" in self._features_within(total_s)
        service = _packet_shell(command) if packets else _plain_shell(command, trailer)
        with self._service(_checked(service), end_s - time.monotonic()) as connection:

            def collect(within_s: float) -> Answer:
                connection.shorten(within_s)
                if packets:
                    return read_packets(connection)
                return read_until_trailer(connection, trailer)

            yield collect

    @contextmanager
    def open_sync(self, limits: StreamLimits) -> Iterator[SyncStream]:
        """The phone's file service.

        Raises:
            ConnectionLost: If the phone is not there.
            NoServer: If the server is not there.
        """
        with self._service("sync:", limits.total_s) as connection:
            yield SyncStream(connection.socket, limits)

    def _features_within(self, total_s: float) -> frozenset[str]:
        if self._features is None:
            with self._connected(total_s) as connection:
                self._request_of_phone(connection, f"host-serial:{self.serial}:features")
                words = connection.block().decode(errors="replace")
            self._features = frozenset(words.strip().split(","))
        return self._features

    @contextmanager
    def _service(self, service: str, total_s: float) -> Iterator[ServerConnection]:
        with self._connected(total_s) as connection:
            self._request_of_phone(connection, f"host:transport:{self.serial}")
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
        """Let a server that was restarted find a phone over TCP again; USB ones it finds itself."""
        try:
            connection.request(request)
        except ServerSaidNo as error:
            if "not found" in str(error) and _OVER_TCP.match(self.serial):
                self.server.connect(self.serial, connection.left_s)
            raise

    def _explained(self, failure: str) -> str:
        remedy = _ALLOW if "unauthorized" in failure else DROP_REMEDY
        return f"{self.serial} on the {self.server}: {failure}; {remedy}"


def _packet_shell(command: str) -> str:
    # A line of its own: a comment at the command's end would swallow the bracket.
    return f"shell,v2,raw:( {command}\n) </dev/null"


def _plain_shell(command: str, trailer: str) -> str:
    # A shell of its own: one that stumbles over the command's syntax must not lose the trailer.
    return f"shell:sh -c {shlex.quote(command)} </dev/null 2>&1; echo {trailer} $?"


def _checked(service: str) -> str:
    if len(service.encode()) > LONGEST_COMMAND_BYTES:
        raise ValueError(f"a command of {len(service.encode())} bytes; push it as a script")
    return service
