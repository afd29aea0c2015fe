"""Reads tables of a flatbuffer without a schema compiler, by field numbers.

Both files that describe a QNN program are flatbuffers (ExecuTorch's program.fbs and
qc_compiler_spec.fbs). ExecuTorch's own readers import its exporter and start a process, which costs
seconds. Format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One table.

    Attributes:
        data: The buffer that holds it.
        position: Where in ``data`` it begins.

    All methods take a field's number, its place in the schema's table counted from 0, and raise
    ``struct.error`` or ``IndexError`` where the buffer ends too early.
    """

    data: bytes | mmap.mmap
    position: int

    @classmethod
    def root(cls, data: bytes | mmap.mmap) -> Table:
        """The table that a buffer is about."""
        return cls(data, struct.unpack_from("<I", data)[0])

    def number(self, field: int, layout: str, default: int = 0) -> int:
        """A scalar; ``layout`` is a ``struct`` format such as ``<I``."""
        position = self._field(field)
        if position is None:
            return default
        value: int = struct.unpack_from(layout, self.data, position)[0]
        return value

    def table(self, field: int) -> Table | None:
        """A table, None where the field is absent."""
        position = self._target(field)
        return None if position is None else Table(self.data, position)

    def tables(self, field: int) -> list[Table]:
        """A vector of tables."""
        position = self._target(field)
        if position is None:
            return []
        (length,) = struct.unpack_from("<I", self.data, position)
        if position + 4 + 4 * length > len(self.data):
            raise IndexError(f"a list of {length} entries does not fit into the file")
        places = [position + 4 + 4 * index for index in range(length)]
        return [Table(self.data, self._follow(place)) for place in places]

    def content(self, field: int) -> bytes:
        """A string or a vector of bytes."""
        start, length = self.content_place(field)
        return self.data[start : start + length]

    def content_place(self, field: int) -> tuple[int, int]:
        """Where in ``data`` a string or a vector of bytes begins, and its length."""
        position = self._target(field)
        if position is None:
            return 0, 0
        return position + 4, struct.unpack_from("<I", self.data, position)[0]

    def _field(self, field: int) -> int | None:
        vtable = self.position - struct.unpack_from("<i", self.data, self.position)[0]
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
