"""An adb server: which one it is, and what is plugged into it."""

from __future__ import annotations

import ipaddress
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.devices.adb.connection import NoServer, ServerSaidNo, connected
from harness.devices.adb.listing import ListedPhone, parse_listing
from harness.devices.adb.server_status import ServerInfo, parse_status
from harness.devices.transport.errors import ConnectionLost, PhoneFailure
from harness.errors import UserError
from harness.finished_program import run_to_end

DEFAULT_PORT = 5037
_ASK_S = 5.0
_START_S = 20.0
_ADDRESS = re.compile(r"(?P<host>\[[^\[\]\s]+\]|[^:\[\]\s]+)(?::(?P<port>[0-9]{1,5}))?")
_HEXADECIMAL = re.compile(r"^[0-9a-fA-F]{4}$")


@dataclass(frozen=True)
class ServerAddress:
    """Host and port that an adb server listens on."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where a server may be started."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_addresses(texts: Iterable[str]) -> tuple[ServerAddress, ...]:
    """Read ``HOST[:PORT]``, several in one text apart by commas; each server once.

    Raises:
        UserError: As ``parse_address``.
    """
    hosts = [host.strip() for text in texts for host in text.split(",")]
    return tuple(dict.fromkeys(map(parse_address, hosts)))


def parse_address(text: str) -> ServerAddress:
    """Read ``HOST[:PORT]``; an IPv6 address stands in brackets.

    Raises:
        UserError: If the port is no number from 1 to 65535.
    """
    found = _ADDRESS.fullmatch(text)
    host, port = found.group("host", "port") if found else ("", None)
    number = DEFAULT_PORT if port is None else int(port)
    is_bracketed = host.startswith("[")
    host = host.strip("[]")
    if not host or not 0 < number < 65536 or _is_ip6(host) != is_bracketed:
        raise UserError(
            f"--adb-host {text!r} is no HOST or HOST:PORT; try --adb-host lab3:5037, or "
            "[::1]:5037 for an IPv6 address."
        )
    return ServerAddress(host, number)


def _is_ip6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


class AdbServer:
    """Asks an adb server; never replaces a running one.

    Each question raises ``NoServer`` if there is none, and ``ConnectionLost`` if what listens there
    does not answer as an adb server.

    Args:
        address: Address where it listens.
        adb_program: Started where this machine should have a server and has none.
    """

    def __init__(self, address: ServerAddress, adb_program: Path | None = None) -> None:
        self.address = address
        self.adb_program = adb_program
        self._info: ServerInfo | None = None

    def __str__(self) -> str:
        known = f" ({self._info})" if self._info else ""
        return f"adb server at {self.address}{known}"

    def ensure_running(self) -> ServerInfo:
        """Start a server on this machine if there is none, and say what it is.

        Raises:
            NoServer: If there is none and it is not ours to start, or it does not start.
        """
        try:
            return self.describe()
        except NoServer as missing:
            if not self.address.is_local:
                raise NoServer(
                    str(self.address), f"{missing.reason}; start one there: adb -a nodaemon server"
                ) from missing
            self._start()
        return self.describe()

    def describe(self) -> ServerInfo:
        """Version, build and features; failures of its phones name them from then on."""
        version = self.ask("host:version")
        if not _HEXADECIMAL.match(version):
            raise ConnectionLost(f"the adb server at {self.address} has the version {version!r}")
        features = self._ask_if_known("host:host-features").decode(errors="replace")
        status = self._ask_if_known("host:server-status")
        named = tuple(filter(None, features.split(",")))
        self._info = parse_status(int(version, 16), named, status)
        return self._info

    def phones(self) -> tuple[ListedPhone, ...]:
        """All phones, usable or not."""
        return parse_listing(self._answered("host:devices-l", _ASK_S))

    def connect(self, address: str, total_s: float = 15.0) -> str:
        """Plug a phone in over TCP; returns the server's words, of success or of failure."""
        return self.ask(f"host:connect:{address}", total_s)

    def ask(self, service: str, total_s: float = _ASK_S) -> str:
        """One request with one answer; a no raises ``ConnectionLost``, too."""
        return self._answered(service, total_s).decode(errors="replace")

    def _answered(self, service: str, total_s: float) -> bytes:
        try:
            return self._ask(service, total_s)
        except ServerSaidNo as error:
            raise ConnectionLost(f"the adb server at {self.address} says: {error}") from error

    def _ask(self, service: str, total_s: float) -> bytes:
        with connected(self.address.host, self.address.port, total_s) as connection:
            connection.request(service)
            return connection.block()

    def _ask_if_known(self, service: str) -> bytes:
        """Empty from a server that is too old for the question."""
        try:
            return self._ask(service, _ASK_S)
        except ServerSaidNo:
            return b""

    def _start(self) -> None:
        if self.adb_program is None:
            raise NoServer(str(self.address), "and no adb program is known to start one")
        # Not `start-server`: that asks whoever listens by now, and kills one of another protocol.
        command = (str(self.adb_program), "-P", str(self.address.port), "server")
        try:
            started = run_to_end(command, _START_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoServer(str(self.address), f"{self.adb_program}: {error}") from error
        if started.returncode != 0 and not self._is_there():
            raise NoServer(str(self.address), f"{self.adb_program}: {started.stderr.strip()}")

    def _is_there(self) -> bool:
        """Whether somebody else's server was quicker."""
        try:
            self.ask("host:version")
        except PhoneFailure:
            return False
        return True
