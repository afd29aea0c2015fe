"""A phone's answers: whole ones are read exactly, and a part never passes for the whole."""

from __future__ import annotations

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.adb import client
from harness.devices.adb.connection import ServerConnection
from harness.devices.transport.errors import AnswerTooLong, ConnectionLost, DeadlineExceeded
from harness.devices.transport.phone import CommandResult


def packet(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + len(content).to_bytes(4, "little") + content


def read(sent: bytes) -> CommandResult:
    """What is made of bytes that a server sends before it closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(sent)

        thread = threading.Thread(target=serve)
        thread.start()
        connection = ServerConnection("127.0.0.1", server.getsockname()[1], total_s=10)
        try:
            return client.read_packets(connection)
        finally:
            connection.close()
            thread.join()


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50))), st.integers(0, 255))
def test_packets_come_apart_into_output_errors_and_exit_code(
    parts: list[tuple[int, bytes]], exit_code: int
) -> None:
    sent = b"".join(packet(*part) for part in parts) + packet(3, bytes([exit_code]))
    out = b"".join(content for kind, content in parts if kind == 1)
    err = b"".join(content for kind, content in parts if kind == 2)
    assert read(sent) == CommandResult(out, err, exit_code)


@given(st.binary(max_size=20), st.data())
def test_a_part_of_an_answer_is_none(printed: bytes, data: st.DataObject) -> None:
    whole = packet(1, printed) + packet(3, b"\0")
    with pytest.raises(ConnectionLost):
        read(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_an_answer_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_ANSWER_BYTES", 1000)
    with pytest.raises(AnswerTooLong, match="into a file"):
        read(packet(1, b"x" * 600) * 2)


def test_without_time_nobody_is_asked() -> None:
    with pytest.raises(DeadlineExceeded, match="no time is left"):
        ServerConnection("127.0.0.1", 9, total_s=0)
