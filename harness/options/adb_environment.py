"""adb's own environment variables, which hold where no option names a server or a phone."""

from __future__ import annotations

import ipaddress
from collections.abc import Container, Mapping

from harness.errors import UserError
from harness.options.option import Source, SourcedValue

SOCKET = "ADB_SERVER_SOCKET"
ADDRESS = "ANDROID_ADB_SERVER_ADDRESS"
PORT = "ANDROID_ADB_SERVER_PORT"
SERIAL = "ANDROID_SERIAL"
VARIABLES = {SOCKET: "adb_host", ADDRESS: "adb_host", PORT: "adb_host", SERIAL: "serial"}
"""The option that a variable stands in for."""
_HERE = "127.0.0.1"


def adb_variables(
    environment: Mapping[str, str], given: Container[str] = ()
) -> dict[str, SourcedValue]:
    """What the variables say of ``adb_host`` and ``serial``, read as adb itself reads them.

    ``ADB_SERVER_SOCKET`` goes before address and port; an empty variable says nothing.

    Args:
        environment: Environment variables.
        given: Names of options that somebody gave, for which no variable is read.

    Raises:
        UserError: If a server is not reached over TCP, or a port is none.
    """
    found = {} if "adb_host" in given else _server(environment)
    serial = environment.get(SERIAL)
    if serial and "serial" not in given:
        found["serial"] = SourcedValue(serial, Source("environment", SERIAL))
    return found


def _server(environment: Mapping[str, str]) -> dict[str, SourcedValue]:
    if socket := environment.get(SOCKET):
        return {"adb_host": SourcedValue([_tcp(socket)], Source("environment", SOCKET))}
    named = [name for name in (ADDRESS, PORT) if environment.get(name)]
    if not named:
        return {}
    host = _host(ADDRESS, environment.get(ADDRESS) or _HERE)
    address = f"{host}:{_port(PORT, environment.get(PORT) or '5037')}"
    return {"adb_host": SourcedValue([address], Source("environment", " and ".join(named)))}


def _host(variable: str, address: str) -> str:
    """A host as it stands before a port: an IPv6 address in brackets."""
    if ":" not in address:
        return address
    try:
        return f"[{ipaddress.IPv6Address(address.strip('[]'))}]"
    except ValueError as error:
        raise UserError(
            f"{variable} has the host {address!r}, which is none; unset it, or name a server with "
            "--adb-host HOST:PORT."
        ) from error


def _tcp(socket: str) -> str:
    """``HOST:PORT`` of ``tcp:PORT`` or ``tcp:HOST:PORT``."""
    kind, _, rest = socket.partition(":")
    host, _, port = rest.rpartition(":")
    if kind != "tcp":
        raise UserError(
            f"{SOCKET} is {socket!r}, and adb servers are reached at tcp:PORT or tcp:HOST:PORT "
            "alone; unset it, or name one with --adb-host HOST:PORT."
        )
    return f"{_host(SOCKET, host or _HERE)}:{_port(SOCKET, port)}"


def _port(variable: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise UserError(
            f"{variable} has the port {text!r}, which is no number from 1 to 65535; unset it, or "
            "name a server with --adb-host HOST:PORT."
        )
    return int(text)
