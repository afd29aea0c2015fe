"""An adb server: which one it is, and what is plugged into it."""

from __future__ import annotations

import ipaddress
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.devices.adb.connection import ServerSaidNo, connected
from harness.devices.adb.errors import ConnectionLost, NoServer
from harness.devices.adb.server_status import ServerInfo, parse_status
from harness.errors import UserError

DEFAULT_PORT = 5037
_ASK_S = 5.0
_START_S = 20.0


@dataclass(frozen=True)
class ServerAddress:
    """Where an adb server listens."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where a server may be started."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str) -> ServerAddress:
    """Read ``HOST[:PORT]``.

    Raises:
        UserError: If the port is no number from 1 to 65535.
    """
    host, separator, port = text.rpartition(":")
    if not separator:
        return ServerAddress(text)
    if not port.isdecimal() or not 0 < int(port) < 65536 or not host:
        raise UserError(f"--adb-host {text!r} is no HOST or HOST:PORT; try --adb-host lab3:5037.")
    return ServerAddress(host, int(port))


@dataclass(frozen=True)
class ListedPhone:
    """A phone as an adb server lists it.

    Attributes:
        serial: The server's name for it: a serial number, or ``HOST:PORT``.
        state: ``device``, ``unauthorized``, ``offline``, ``recovery``, ...
        usb: Whether it is on a cable.
    """

    serial: str
    state: str
    usb: bool


class AdbServer:
    """Asks an adb server; never replaces a running one.

    Args:
        address: Where it listens.
        adb_program: Started where this machine should have a server and has none.
    """

    def __init__(self, address: ServerAddress, adb_program: Path | None = None) -> None:
        self.address = address
        self.adb_program = adb_program

    def ensure_running(self) -> None:
        """Start a server on this machine if there is none.

        The adb program speaks to no server that runs: one of another protocol it would kill.

        Raises:
            NoServer: If there is none and it is not ours to start, or it does not start.
        """
        try:
            self.ask("host:version")
        except NoServer as missing:
            if not self.address.is_local:
                raise NoServer(
                    str(self.address), f"{missing.reason}; start one there: adb -a server nodaemon"
                ) from missing
            self._start()

    def describe(self) -> ServerInfo:
        """Version, build and features.

        Raises:
            NoServer: If there is none.
            ConnectionLost: If it does not answer.
        """
        protocol = int(self.ask("host:version"), 16)
        features = tuple(filter(None, self._ask_or_nothing("host:host-features").split(",")))
        return parse_status(protocol, features, self._status())

    def phones(self) -> tuple[ListedPhone, ...]:
        """All phones, usable or not.

        Raises:
            NoServer: If there is none.
            ConnectionLost: If it does not answer.
        """
        lines = self.ask("host:devices-l").splitlines()
        return tuple(_listed(line) for line in lines if line.strip())

    def connect(self, address: str, total_s: float = 15.0) -> str:
        """Plug a phone in over TCP; returns the server's words, of success or of failure.

        Raises:
            NoServer: If there is none.
            ConnectionLost: If it does not answer.
        """
        return self.ask(f"host:connect:{address}", total_s)

    def ask(self, service: str, total_s: float = _ASK_S) -> str:
        """One request with one answer.

        Raises:
            NoServer: If there is none.
            ConnectionLost: If it does not answer, or says no.
        """
        try:
            return self._ask(service, total_s).decode(errors="replace")
        except ServerSaidNo as error:
            raise ConnectionLost(f"the adb server at {self.address} says: {error}") from error

    def _ask(self, service: str, total_s: float) -> bytes:
        with connected(self.address.host, self.address.port, total_s) as connection:
            connection.request(service)
            return connection.block()

    def _ask_or_nothing(self, service: str) -> str:
        """For what older servers do not know."""
        try:
            return self._ask(service, _ASK_S).decode(errors="replace")
        except ServerSaidNo:
            return ""

    def _status(self) -> bytes:
        try:
            return self._ask("host:server-status", _ASK_S)
        except ServerSaidNo:
            return b""

    def _start(self) -> None:
        if self.adb_program is None:
            raise NoServer(str(self.address), "and no adb program is known to start one")
        command = (str(self.adb_program), "-P", str(self.address.port), "start-server")
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_START_S,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoServer(str(self.address), f"{self.adb_program}: {error}") from error
        if done.returncode != 0:
            raise NoServer(str(self.address), f"{self.adb_program}: {done.stderr.strip()}")


def _listed(line: str) -> ListedPhone:
    """A line of ``host:devices-l``; a phone without permissions has blanks in its state."""
    serial, _, rest = line.strip().partition(" ")
    words = rest.split()
    details = [word for word in words if ":" in word]
    state = " ".join(word for word in words[: len(words) - len(details)])
    return ListedPhone(serial, state, any(word.startswith("usb:") for word in details))
