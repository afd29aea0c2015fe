"""ExecuTorch's programs without ExecuTorch: whether a file is one, and what its methods declare.

Imports without torch.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.pointer_file import refuse_pointer

_HEADER_BYTES = 40
_EXTENDED_HEADER = struct.Struct("<4sIQQQ")
"""Magic ``eh00``, header length, program size, segment offset, segment size.

Source: ExecuTorch, schema/extended_header.h; it follows the flatbuffer's offset and identifier.
"""


def check_program_file(path: Path) -> None:
    """Reject what is no ExecuTorch program before ExecuTorch sees it.

    That is quicker than loading the runtime first, and needed: ExecuTorch prints an unknown file
    identifier as text, and its Python bindings abort the process when those bytes are not UTF-8.

    Raises:
        UserError: If the file is missing, unreadable, truncated, a pointer or something else.
    """
    refuse_pointer(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UserError(f"{path} is no regular file; give a .pte file.")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; correct the path or export it first.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); give a .pte file.") from error
    if len(header) < _HEADER_BYTES or header[4:6] != b"ET" or not header[4:8].isascii():
        raise UserError(
            f"{path} is no ExecuTorch program (it begins with {header[:8]!r}); give a .pte file."
        )
    magic, _, program_bytes, segment_offset, segment_bytes = _EXTENDED_HEADER.unpack(
        header[8 : 8 + _EXTENDED_HEADER.size]
    )
    expected = max(program_bytes, segment_offset + segment_bytes) if magic == b"eh00" else 0
    if size < expected:
        raise UserError(
            f"{path} is truncated: it has {size} of {expected} bytes; copy or export it again."
        )


_DTYPES: dict[int, str] = {
    0: "uint8",
    1: "int8",
    3: "int32",
    4: "int64",
    6: "float32",
    7: "float64",
    27: "uint16",
}
"""ExecuTorch ``ScalarType`` codes that the contract knows (runtime/core/portable_type)."""


def dtype_name(code: int) -> str:
    """Name of a ``ScalarType``, numpy's where the contract knows it."""
    return _DTYPES.get(code, f"ScalarType {code}")


@dataclass(frozen=True)
class TensorSpec:
    """Shape and dtype that a method declares for one input or output.

    ``dtype`` is numpy's name, or ``ScalarType <code>`` for a type outside the contract.
    """

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Signature:
    """All inputs and outputs of a method of a file."""

    path: Path
    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __str__(self) -> str:
        return f"{self.name} of {self.path}"
