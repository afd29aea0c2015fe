"""Tensors as a safetensors file stores them. Imports without torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from harness.errors import UserError
from harness.pointer_file import refuse_pointer

_HEADER_LENGTH = struct.Struct("<Q")
_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor's bytes are.

    Attributes:
        file: The safetensors file.
        dtype: In safetensors' words, ``F32``.
        shape: Of the tensor.
        start: Offset of its first byte in the file.
        end: Offset behind its last byte.
    """

    file: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    def equals(self, other: StoredTensor) -> bool:
        """Whether another one holds the same value."""
        if (self.dtype, self.shape) != (other.dtype, other.shape):
            return False
        return all(
            ours == theirs for ours, theirs in zip(self.blocks(), other.blocks(), strict=True)
        )

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, at most 16 MiB at a time."""
        with self.file.open("rb") as file:
            file.seek(self.start)
            for offset in range(self.start, self.end, _BLOCK_BYTES):
                yield file.read(min(_BLOCK_BYTES, self.end - offset))


def read_stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """List a file's tensors without reading them.

    Raises:
        UserError: If the file is damaged.
    """
    refuse_pointer(path)
    try:
        # Checks the header and that the file is as long as it says.
        with safe_open(path, framework="np"):
            pass
    except SafetensorError as error:
        raise UserError(f"{path} is damaged ({error}); download it again.") from error
    with path.open("rb") as file:
        (length,) = _HEADER_LENGTH.unpack(file.read(_HEADER_LENGTH.size))
        header = json.loads(file.read(length))
    data = _HEADER_LENGTH.size + length
    return {
        name: StoredTensor(
            file=path,
            dtype=entry["dtype"],
            shape=tuple(entry["shape"]),
            start=data + entry["data_offsets"][0],
            end=data + entry["data_offsets"][1],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }
