"""Reads tables of a flatbuffer without a schema compiler, by field numbers.

Programs are flatbuffers, and so is what QNN's say of themselves (ExecuTorch's program.fbs and
qc_compiler_spec.fbs). ExecuTorch's own readers import its exporter and start a process, which costs
seconds; its runtime ends the process that gives it a damaged file. Here nothing is read outside of
the buffer, and nothing longer than what programs hold.
Format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

DAMAGE = (struct.error, IndexError, OverflowError, UnicodeDecodeError)
"""What reading a damaged buffer raises."""

_MOST_ENTRIES = 1 << 16
_MOST_BYTES = 1 << 20
"""Of one list, and of one string or vector of bytes that is read."""


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        data: The buffer that holds it.
        position: Where in ``data`` it begins.

    All methods take a field's number, its place in the schema's table counted from 0, and raise one
    of ``DAMAGE`` where the buffer ends too early or a list is longer than any program's.
    """

    data: bytes | mmap.mmap
    position: int

    @classmethod
    def root(cls, data: bytes | mmap.mmap, offset: int = 0) -> Table:
        """The table that a buffer is about, which begins at an offset of ``data``."""
        return cls(data, offset + struct.unpack_from("<I", data, offset)[0])

    def number(self, field: int, layout: str, default: int = 0) -> int:
        """A scalar; ``layout`` is a ``struct`` format such as ``<I``."""
        position = self._field(field)
        if position is None:
            return default
        value: int = struct.unpack_from(layout, self.data, position)[0]
        return value

    def real(self, field: int) -> float:
        """A scalar of 64 bits."""
        position = self._field(field)
        if position is None:
            return 0.0
        value: float = struct.unpack_from("<d", self.data, position)[0]
        return value

    def table(self, field: int) -> Table | None:
        """A table, None where the field is absent."""
        position = self._target(field)
        return None if position is None else Table(self.data, position)

    def tables(self, field: int, most: int = _MOST_ENTRIES) -> list[Table]:
        """A vector of tables, of so many at most."""
        places = self._entries(field, 4, most)
        return [Table(self.data, self._follow(place)) for place in places]

    def numbers(self, field: int, layout: str, most: int = _MOST_ENTRIES) -> tuple[int, ...]:
        """A vector of scalars, of so many at most."""
        size = struct.calcsize(layout)
        places = self._entries(field, size, most)
        return struct.unpack_from(f"<{len(places)}{layout[1:]}", self.data, places.start)

    def entry(self, field: int, index: int) -> Table:
        """One of a vector of tables."""
        places = self._entries(field, 4, len(self.data))
        if not 0 <= index < len(places):
            raise IndexError(f"entry {index} of {len(places)}")
        return Table(self.data, self._follow(places[index]))

    def content(self, field: int) -> bytes:
        """A string or a vector of bytes."""
        start, length = self.content_place(field)
        if length > _MOST_BYTES or start + length > len(self.data):
            raise IndexError(f"a text of {length} bytes does not fit into the file")
        return self.data[start : start + length]

    def text(self, field: int) -> str:
        """A string."""
        return self.content(field).decode()

    def content_place(self, field: int) -> tuple[int, int]:
        """Where in ``data`` a string or a vector of bytes begins, and its length."""
        position = self._target(field)
        if position is None:
            return 0, 0
        return position + 4, struct.unpack_from("<I", self.data, position)[0]

    def _entries(self, field: int, size: int, most: int) -> range:
        """Where the entries of a vector begin."""
        position = self._target(field)
        if position is None:
            return range(0)
        (length,) = struct.unpack_from("<I", self.data, position)
        if length > most or position + 4 + size * length > len(self.data):
            raise IndexError(f"a list of {length} entries does not fit into the file")
        return range(position + 4, position + 4 + size * length, size)

    def _field(self, field: int) -> int | None:
        vtable = self.position - struct.unpack_from("<i", self.data, self.position)[0]
        if vtable < 0:
            raise IndexError(f"a table begins with {vtable}")
        (vtable_bytes,) = struct.unpack_from("<H", self.data, vtable)
        entry = 4 + 2 * field
        if entry >= vtable_bytes:
            return None
        (offset,) = struct.unpack_from("<H", self.data, vtable + entry)
        return self.position + offset if offset else None

    def _target(self, field: int) -> int | None:
        position = self._field(field)
        return None if position is None else self._follow(position)

    def _follow(self, position: int) -> int:
        offset: int = struct.unpack_from("<I", self.data, position)[0]
        return position + offset
