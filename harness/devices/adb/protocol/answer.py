"""What a command on a phone printed and returned, read so that no part is taken for the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.devices.adb.protocol.connection import ServerConnection
from harness.devices.adb.protocol.errors import AnswerTooLong, ConnectionLost

LONGEST_ANSWER_BYTES = 64 << 20
"""An answer is kept in memory; a command that never stops printing must not fill it."""

_STDOUT, _STDERR, _EXIT = 1, 2, 3
_PACKET_HEADER_BYTES = 5
_PART_BYTES = 65_536
_LONGEST_TRAILER_BYTES = 64


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


def read_packets(connection: ServerConnection) -> Answer:
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
            return Answer(bytes(streams[_STDOUT]), bytes(streams[_STDERR]), content[0])
        if kind in streams:
            streams[kind] += content


def read_until_trailer(connection: ServerConnection, trailer: str) -> Answer:
    """Read shell v1, which says neither how long an answer is nor how the command ended.

    Args:
        connection: To the shell.
        trailer: Printed with the exit code and the end of a line when the command has ended.

    Raises:
        ConnectionLost: If it ends without the whole trailer.
        AnswerTooLong: If it does not end.
    """
    received = bytearray()
    while part := connection.receive(_PART_BYTES):
        received += part
        _check_length(len(received))
    end = received[-_LONGEST_TRAILER_BYTES:]
    found = re.search(rb"%s (\d+)(\r?)\n$" % trailer.encode(), end)
    if not found:
        raise ConnectionLost("the answer was cut off before its end")
    printed = bytes(received[: len(received) - len(end) + found.start()])
    # A terminal of old phones puts a return before the end of every line, the trailer's included.
    return Answer(printed.replace(b"\r\n", b"\n") if found[2] else printed, b"", int(found[1]))


def _check_length(length: int) -> None:
    if length > LONGEST_ANSWER_BYTES:
        raise AnswerTooLong(
            f"a command printed more than {LONGEST_ANSWER_BYTES >> 20} MiB; run it into a file and "
            "pull that"
        )
