"""What a ``.pte`` says about its QNN delegates. Imports without torch and without QNN."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.backends.delegate_data import FileRange, delegates_of
from harness.backends.flatbuffer import DAMAGE, Table
from harness.errors import UserError

_BACKEND = b"QnnBackend"
_MOST_OPTIONS = 1 << 8
_OPTIONS = b"qnn_compile_spec"
_CONTEXT_HEADER = struct.Struct("<IQQ")
_CONTEXT_MAGIC = 0x5678ABCD
_CONTEXT_OFFSET = 256
"""ExecuTorch puts this header before QNN's context: magic, signature, size, padding (1.5.1,
backends/qualcomm/runtime/QnnExecuTorch.h and the files it writes)."""


@dataclass(frozen=True)
class QnnDelegate:
    """A part of a method that runs on the HTP.

    Attributes:
        method: Method of the ``.pte``.
        chip_id: SoC that it was compiled for (:mod:`harness.targets.soc`).
        htp_arch: HTP version of that SoC.
        vtcm_mib: VTCM that the graph may use.
        shares_weights: Whether graphs of one context share their weights.
        shared_buffer: Whether inputs and outputs are exchanged through shared memory.
        is_fp16: Whether it computes in float16.
        context: QNN's context binary, which several delegates may share; None for a file that is
            compiled on the phone when it is loaded.
    """

    method: str
    chip_id: int
    htp_arch: int
    vtcm_mib: int
    shares_weights: bool
    shared_buffer: bool
    is_fp16: bool
    context: FileRange | None


def read_delegates(path: Path) -> tuple[QnnDelegate, ...]:
    """List the QNN delegates of a program, in file order; none for a program of other backends.

    Args:
        path: A file that :func:`harness.runtime.program_file.check_program_file` accepts.

    Raises:
        UserError: If the file ends too early or is damaged.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            return tuple(_read(data))
        except DAMAGE as error:
            raise UserError(
                f"{path} is damaged: what it says of its QNN delegates cannot be read ({error}); "
                "copy or export it again."
            ) from error


def _read(data: mmap.mmap) -> Iterator[QnnDelegate]:
    """Field numbers as in ExecuTorch's program.fbs."""
    for method, delegate, place in delegates_of(data, _BACKEND):
        yield _describe(method, _options(delegate), data, place)


def _options(delegate: Table) -> Table:
    for spec in delegate.tables(2, _MOST_OPTIONS):
        if spec.content(0) == _OPTIONS:
            return Table.root(spec.content(1))
    raise IndexError("a delegate has no options")


def _describe(method: str, options: Table, data: mmap.mmap, place: FileRange) -> QnnDelegate:
    """Field numbers as in ExecuTorch's qc_compiler_spec.fbs."""
    soc = options.table(0)
    htp_info = soc.table(1) if soc else None
    backend = options.table(1)
    htp = backend.table(1) if backend else None
    is_compiled_on_phone = bool(options.number(4, "<B"))
    return QnnDelegate(
        method=method,
        chip_id=soc.number(0, "<i") if soc else 0,
        htp_arch=htp_info.number(0, "<i") if htp_info else 0,
        vtcm_mib=htp_info.number(1, "<I") if htp_info else 0,
        shares_weights=bool(htp.number(8, "<B")) if htp else False,
        shared_buffer=bool(options.number(7, "<B")),
        is_fp16=bool(htp.number(2, "<i")) if htp else False,
        context=None if is_compiled_on_phone else _context(data, place),
    )


def _context(data: mmap.mmap, place: FileRange) -> FileRange:
    magic, _, size = _CONTEXT_HEADER.unpack_from(data, place.offset)
    if magic != _CONTEXT_MAGIC:
        raise IndexError(f"a context begins with {magic:#x}")
    if place.size < _CONTEXT_OFFSET + size or len(data) < place.offset + _CONTEXT_OFFSET + size:
        raise IndexError(f"a context has {place.size - _CONTEXT_OFFSET} of {size} bytes")
    return FileRange(place.offset + _CONTEXT_OFFSET, size)
