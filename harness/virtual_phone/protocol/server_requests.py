"""What the virtual phone itself asks of a real adb server, in the server's own protocol.

Source: AOSP ``packages/modules/adb/SERVICES.TXT``: four hexadecimal digits of length, then the
request; ``OKAY`` or ``FAIL``, then an answer of the same form.
"""

from __future__ import annotations

import socket

_HOST = "127.0.0.1"
_TOTAL_S = 30.0


class ServerRefused(Exception):
    """An adb server answered FAIL; the text is its reason."""


def ask_server(port: int, request: str) -> str:
    """Ask an adb server on this machine.

    Raises:
        ServerRefused: If it answers FAIL.
        OSError: If there is none, or it goes away.
    """
    with socket.create_connection((_HOST, port), timeout=_TOTAL_S) as server:
        encoded = request.encode()
        server.sendall(f"{len(encoded):04x}".encode() + encoded)
        state = _receive(server, 4)
        answer = _receive(server, int(_receive(server, 4), 16)).decode(errors="replace")
        if state != b"OKAY":
            raise ServerRefused(answer)
        return answer


def connect_phone(server_port: int, phone_port: int) -> str:
    """Let a server find a phone over TCP; returns the server's words."""
    return ask_server(server_port, f"host:connect:{_HOST}:{phone_port}")


def disconnect_phone(server_port: int, phone_port: int) -> None:
    """Let a server forget a phone; one that it does not know, it has forgotten already.

    A server drops a phone by itself, too, when the connection goes: whoever looks first whether
    it is known asks too early.

    Raises:
        ServerRefused: If it answers FAIL for another reason.
        OSError: If there is no server, or it goes away.
    """
    try:
        ask_server(server_port, f"host:disconnect:{_HOST}:{phone_port}")
    except ServerRefused as refused:
        if not str(refused).startswith("no such device"):
            raise


def _receive(server: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        part = server.recv(length - len(received))
        if not part:
            raise ConnectionError("the adb server closed the connection")
        received += part
    return received
