"""A phone's answers: whole ones are read exactly, and a part never passes for the whole."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.adb.protocol import answer as answers
from harness.devices.adb.protocol.answer import Answer, read_packets, read_until_trailer
from harness.devices.adb.protocol.connection import ServerConnection
from harness.devices.adb.protocol.errors import AnswerTooLong, ConnectionLost, DeadlineExceeded

TRAILER = "0123456789abcdef"


def packet(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + len(content).to_bytes(4, "little") + content


def read(sent: bytes, reader: Callable[[ServerConnection], Answer]) -> Answer:
    """What a reader makes of bytes that a server sends before it closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            accepted, _ = server.accept()
            with accepted:
                accepted.sendall(sent)

        thread = threading.Thread(target=serve)
        thread.start()
        connection = ServerConnection("127.0.0.1", server.getsockname()[1], total_s=10)
        try:
            return reader(connection)
        finally:
            connection.close()
            thread.join()


def by_trailer(connection: ServerConnection) -> Answer:
    return read_until_trailer(connection, TRAILER)


def old_answer(printed: bytes, exit_code: int) -> bytes:
    return printed + f"{TRAILER} {exit_code}\n".encode()


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=50))), st.integers(0, 255))
def test_packets_come_apart_into_output_errors_and_exit_code(
    parts: list[tuple[int, bytes]], exit_code: int
) -> None:
    sent = b"".join(packet(*part) for part in parts) + packet(3, bytes([exit_code]))
    out = b"".join(content for kind, content in parts if kind == 1)
    err = b"".join(content for kind, content in parts if kind == 2)
    assert read(sent, read_packets) == Answer(out, err, exit_code)


@given(st.binary(max_size=50), st.integers(0, 255))
def test_output_before_a_trailer_is_read_exactly(printed: bytes, exit_code: int) -> None:
    assert read(old_answer(printed, exit_code), by_trailer) == Answer(printed, b"", exit_code)


@given(st.binary(max_size=50))
def test_what_a_terminal_did_to_line_ends_is_undone(printed: bytes) -> None:
    sent = old_answer(printed, 0).replace(b"\n", b"\r\n")
    assert read(sent, by_trailer).raw == printed


@given(st.binary(max_size=20), st.data())
def test_a_part_of_an_answer_is_none(printed: bytes, data: st.DataObject) -> None:
    new, old = packet(1, printed) + packet(3, b"\0"), old_answer(printed, 127)
    with pytest.raises(ConnectionLost):
        read(new[: data.draw(st.integers(0, len(new) - 1))], read_packets)
    with pytest.raises(ConnectionLost):
        read(old[: data.draw(st.integers(0, len(old) - 1))], by_trailer)


def test_an_answer_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LONGEST_ANSWER_BYTES", 1000)
    with pytest.raises(AnswerTooLong, match="into a file"):
        read(packet(1, b"x" * 600) * 2, read_packets)
    with pytest.raises(AnswerTooLong, match="into a file"):
        read(b"x" * 1001, by_trailer)


def test_without_time_nobody_is_asked() -> None:
    with pytest.raises(DeadlineExceeded, match="no time is left"):
        ServerConnection("127.0.0.1", 9, total_s=0)
