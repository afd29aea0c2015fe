"""Where in a ``.pte`` the parts are that it gives to backends. Imports without torch.

Field numbers as in ExecuTorch's program.fbs.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from harness.backends.flatbuffer import Table

_EXTENDED_HEADER = struct.Struct("<8x4xIQQQ")
"""After the root offset and the identifier: magic, header length, program size, offset and size of
the segments (ExecuTorch, schema/extended_header.h)."""

_MOST_METHODS, _MOST_DELEGATES = 1 << 14, 1 << 12
"""Of a program and of a method."""


@dataclass(frozen=True)
class FileRange:
    """Bytes of a file."""

    offset: int
    size: int


def methods_of(data: mmap.mmap) -> list[Table]:
    """The methods of a program, ``ExecutionPlan`` of the schema."""
    return Table.root(data).tables(1, _MOST_METHODS)


def delegates_of(data: mmap.mmap, backend: bytes) -> Iterator[tuple[str, Table, FileRange]]:
    """Method, description and data of each part for a backend, in file order.

    Raises:
        One of ``flatbuffer.DAMAGE``: If the file ends too early or is damaged.
    """
    program = Table.root(data)
    for plan in methods_of(data):
        for delegate in plan.tables(7, _MOST_DELEGATES):
            if delegate.content(0) == backend:
                yield plan.text(0), delegate, _data(program, delegate, data)


def _data(program: Table, delegate: Table, data: mmap.mmap) -> FileRange:
    reference = delegate.table(1)
    if reference is None:
        raise IndexError("a delegate has no data")
    in_segment, index = reference.number(0, "<b"), reference.number(1, "<I")
    if not in_segment:
        return FileRange(*program.entry(3, index).content_place(0))
    _, _, segment_offset, _ = _EXTENDED_HEADER.unpack_from(data)
    segment = program.entry(4, index)
    return FileRange(segment_offset + segment.number(0, "<Q"), segment.number(1, "<Q"))
