"""Rows of a token embedding that a ``.pte`` keeps as floats, looked at without running it.

A graph uses all weights of the other components in every call. Of a table it uses a row where a
token is said, so that a broken one may wait for weeks. Imports without torch.
"""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.backends.delegate_data import FileRange, methods_of
from harness.backends.flatbuffer import DAMAGE, Table
from harness.errors import UserError

_FLOATS: dict[int, np.dtype[Any]] = {5: np.dtype("<f2"), 6: np.dtype("<f4")}
"""By code of ``ScalarType``."""

_SEGMENTS_BEGIN = struct.Struct("<8x16xQ")
"""Behind root offset, identifier, magic, header length and program size (ExecuTorch,
schema/extended_header.h)."""

_TENSOR = 5
_MOST_DIMENSIONS = 16
_BLOCK_BYTES = 1 << 24


def check_stored_rows(path: Path) -> None:
    """Refuse a token embedding with a row that is no finite numbers.

    Args:
        path: A file that :func:`harness.runtime.program_file.check_program_file` accepts; of one
            whose table is quantized, or the HTP's, nothing can be told.

    Raises:
        UserError: If a row is NaN or infinite, or the file is damaged.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            tables = dict(_tables(data))
        except DAMAGE as error:
            raise UserError(
                f"{path} is damaged: where it keeps its constants cannot be read ({error}); copy "
                "or export it again."
            ) from error
        for place, (dtype, width) in tables.items():
            first = _first_broken(data, place, dtype)
            if first is not None:
                index, value = first
                row, column = divmod(index, width)
                raise UserError(
                    f"{path} keeps a token embedding that is no finite number in row {row}, column "
                    f"{column} ({value}), so that token {row} breaks every run that it is said in; "
                    "its file is damaged: export it again."
                )


def _tables(data: mmap.mmap) -> Iterator[tuple[FileRange, tuple[np.dtype[Any], int]]]:
    """Float constants: where they are, of which dtype, and how wide; methods share them."""
    for plan in methods_of(data):
        for value in plan.tables(2):
            content = value.table(1)
            if value.number(0, "<B") != _TENSOR or content is None:
                continue
            index, dtype = content.number(5, "<I"), _FLOATS.get(content.number(0, "<b"))
            sizes = content.numbers(2, "<i", _MOST_DIMENSIONS)
            if not index or dtype is None or len(sizes) != 2 or min(sizes) < 1:
                continue
            offset = constant_place(data, index)
            place = FileRange(offset, math.prod(sizes) * dtype.itemsize)
            if offset + place.size > len(data):
                raise IndexError(f"a constant of {place.size} bytes does not fit into the file")
            yield place, (dtype, sizes[1])


def constant_place(data: bytes | mmap.mmap, index: int) -> int:
    """Where a constant of a program begins; field numbers are those of ExecuTorch's program.fbs.

    Args:
        data: The file.
        index: What a tensor says as ``data_buffer_idx``, not 0.

    Raises:
        One of ``flatbuffer.DAMAGE``: If the file ends too early or is damaged.
    """
    program = Table.root(data)
    constants = program.table(5)
    if constants is None:
        start, _ = program.entry(2, index).content_place(0)
        return start
    offsets = constants.numbers(1, "<Q")
    if index >= len(offsets):
        raise IndexError(f"constant {index} of {len(offsets)}")
    segment = program.entry(4, constants.number(0, "<I"))
    (segments_begin,) = _SEGMENTS_BEGIN.unpack_from(data)
    return int(segments_begin + segment.number(0, "<Q") + offsets[index])


def _first_broken(
    data: mmap.mmap, place: FileRange, dtype: np.dtype[Any]
) -> tuple[int, float] | None:
    """Index and value of the first that is no finite number."""
    for start in range(0, place.size, _BLOCK_BYTES):
        size = min(_BLOCK_BYTES, place.size - start)
        begin = place.offset + start
        values = np.frombuffer(data[begin : begin + size], dtype)
        broken = np.flatnonzero(~np.isfinite(values))
        if len(broken):
            return start // dtype.itemsize + int(broken[0]), float(values[broken[0]])
    return None
