"""What a program printed, as far as it is kept: head, tail, and a count of what lay between."""

from __future__ import annotations

import os
from pathlib import Path

HEAD_BYTES = 1 << 19
"""Kept of the beginning, where a program says what it is and what it was asked."""
TAIL_BYTES = 1 << 20
"""Kept of the end, where it says how it went."""
PRINTED_BYTES_LIMIT = 1 << 30
"""Most that a run may print: what it prints goes into a file, on a disk that others need, too."""

_LAST_LINES = 20
_LAST_CHARACTERS = 8000
"""Of a program that prints no newlines."""


class KeptOutput:
    """Output that comes in parts, of which memory holds head and tail alone.

    Attributes:
        end: How much was printed so far in bytes, what is left out included.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self.end = 0

    def add(self, part: bytes, start: int) -> None:
        """Take the next part.

        Args:
            part: Bytes of the output.
            start: Where they stand in it; what lies between them and the part before is left out.
        """
        if start > self.end:
            self._tail.clear()
        elif start == len(self._head):
            room = HEAD_BYTES - len(self._head)
            self._head += part[:room]
        self.end = start + len(part)
        self._tail += part
        del self._tail[:-TAIL_BYTES]

    def content(self) -> bytes:
        """All of it; or head and tail, each to whole lines, and between them what was left out."""
        tail = self._tail[max(0, len(self._head) + len(self._tail) - self.end) :]
        if len(self._head) + len(tail) == self.end:
            return bytes(self._head + tail)
        # A number that is cut would read as another one.
        head = self._head[: self._head.rfind(b"\n") + 1] or self._head
        tail = tail[tail.find(b"\n") + 1 :] or tail
        left_out = self.end - len(head) - len(tail)
        return b"%s\n... %d bytes left out ...\n%s" % (head, left_out, tail)


def read_kept(path: Path) -> str:
    """What a program printed into a file, as ``KeptOutput.content``, however long it is."""
    output = KeptOutput()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        output.add(file.read(HEAD_BYTES), 0)
        start = max(output.end, size - TAIL_BYTES)
        file.seek(start)
        output.add(file.read(TAIL_BYTES), start)
    return output.content().decode(errors="replace")


def last_lines(text: str) -> list[str]:
    """The end of what a program printed, short enough for a sentence."""
    return text[-_LAST_CHARACTERS:].splitlines()[-_LAST_LINES:]
