"""Whether what a ``.pte`` computes on the CPU is quantized. Imports without torch."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

from harness.backends.delegate_data import delegates_of, methods_of
from harness.backends.flatbuffer import DAMAGE, Table
from harness.errors import UserError

_BACKEND = b"XnnpackBackend"
_GRAPH_HEADER = struct.Struct("<4x4sHI")
"""Magic, length of the header, offset of the graph (ExecuTorch 1.5.1,
backends/xnnpack/serialization/xnnpack_graph_serialize.py)."""
_GRAPH_MAGIC = b"XH00"
_FLOATS = frozenset({0, 1, 2, 12, 13, 14})
"""Of ``XNNDatatype``: floats and plain integers."""
_TENSOR, _QUANTIZED_TENSOR = 1, 2
_QUANTIZED_OPERATORS = ("quantized_decomposed::", "torchao::")


def is_quantized(path: Path) -> bool:
    """Whether a program for the CPU has quantized weights or calls a kernel that takes some.

    Args:
        path: A file that :func:`harness.runtime.program_file.check_program_file` accepts.

    Raises:
        UserError: If the file ends too early or is damaged.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return any(_operators(data)) or not _FLOATS.issuperset(_datatypes(data))
        except DAMAGE as error:
            raise UserError(
                f"{path} is damaged: what it says of its XNNPACK delegates cannot be read "
                f"({error}); copy or export it again."
            ) from error


def _operators(data: mmap.mmap) -> Iterator[bool]:
    for plan in methods_of(data):
        for operator in plan.tables(6):
            yield operator.text(0).startswith(_QUANTIZED_OPERATORS)


def _datatypes(data: mmap.mmap) -> Iterator[int]:
    """Of all values of all graphs; field numbers as in ExecuTorch's XNNPACK schema.fbs."""
    for _, _, place in delegates_of(data, _BACKEND):
        magic, _, offset = _GRAPH_HEADER.unpack_from(data, place.offset)
        if magic != _GRAPH_MAGIC:
            raise IndexError(f"a graph begins with {magic!r}")
        for value in Table.root(data, place.offset + offset).tables(2):
            content, kind = value.table(1), value.number(0, "<B")
            if kind == _QUANTIZED_TENSOR and content is not None:
                content = content.table(0)
            if kind not in (_TENSOR, _QUANTIZED_TENSOR) or content is None:
                raise IndexError(f"a value is of kind {kind}")
            yield content.number(0, "<h")
