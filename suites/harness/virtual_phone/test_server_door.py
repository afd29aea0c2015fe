"""What comes to a private adb server, and what leaves it, ends at both ends."""

from __future__ import annotations

import gc
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from harness.virtual_phone.server_door import ServerDoor

_LOST = struct.pack("ii", 1, 0)
"""``SO_LINGER`` with no time: a close that resets the connection, as of a process that died."""


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's connection, and the same at the server behind the door."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.settimeout(30)
        server.bind(str(tmp_path / "server"))
        server.listen()
        with ServerDoor(port, tmp_path / "server"):
            client = socket.create_connection(("127.0.0.1", port), timeout=30)
            behind, _ = server.accept()
            behind.settimeout(30)
            with closing(client), closing(behind):
                client.sendall(b"asked")
                assert behind.recv(5) == b"asked"
                yield client, behind


def test_a_lost_client_is_lost_to_a_server_that_says_nothing(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    client, behind = ends
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LOST)
    client.close()
    assert behind.recv(1) == b""


def test_a_client_that_has_said_all_still_hears_the_answer(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    client, behind = ends
    client.shutdown(socket.SHUT_WR)
    assert behind.recv(1) == b""
    gc.collect()
    behind.sendall(b"told")
    assert client.recv(4) == b"told"
    behind.close()
    assert client.recv(1) == b""
