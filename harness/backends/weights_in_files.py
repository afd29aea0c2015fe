"""Weights that wait for the end of a lowering in files instead of in memory.

ExecuTorch gives each part that it lowers a copy of the program with all of its tensors, and holds
what was made of them until the file is written: five times the weights where two methods share
them. Backends read those tensors and change none, and what they made of them is needed once more.
"""

from __future__ import annotations

import copy
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from executorch.exir._serialize._cord import FileBackedData
    from executorch.exir.backend.compile_spec_schema import CompileSpec
    from torch.export import ExportedProgram

_WORTH_A_FILE = 1 << 16
"""Bytes of data from which it is written down: there are ten thousand smaller ones."""


@contextmanager
def weights_in_files(folder: Path) -> Iterator[None]:
    """Lower to XNNPACK with one copy of each weight in memory, and what was made of it in files.

    For a process that exports and does nothing else: ExecuTorch is changed for all of its threads.
    The file that comes out is the same, byte for byte. Within the block as much disk is taken as
    the file has bytes.

    Args:
        folder: Where the files are, in one of their own that is gone behind the block.
    """
    from executorch.backends.xnnpack.xnnpack_preprocess import XnnpackBackend
    from executorch.exir._serialize._named_data_store import NamedDataStore

    keep = NamedDataStore._add_named_data_to_map
    with tempfile.TemporaryDirectory(prefix="weights-", dir=folder) as place:
        written: dict[str, FileBackedData] = {}

        def keep_in_file(self: NamedDataStore, key: str, data: object, *rest: object) -> None:
            if isinstance(data, bytes) and len(data) >= _WORTH_A_FILE:
                data = _in_file(data, Path(place), written)
            keep(self, key, data, *rest)

        try:
            NamedDataStore._add_named_data_to_map = keep_in_file
            XnnpackBackend.copy_exported_program_for_preprocess = classmethod(_copy_but_tensors)
            yield
        finally:
            NamedDataStore._add_named_data_to_map = keep
            del XnnpackBackend.copy_exported_program_for_preprocess


def _in_file(data: bytes, place: Path, written: dict[str, FileBackedData]) -> FileBackedData:
    """Methods share weights, so the same bytes come again: they are written once."""
    from executorch.exir._serialize._cord import FileBackedData

    digest = hashlib.sha256(data)
    name = digest.hexdigest()
    if name not in written:
        path = place / name
        path.write_bytes(data)
        written[name] = FileBackedData(str(path), sha256=digest.digest())
    return written[name]


def _copy_but_tensors(
    cls: type, edge_program: ExportedProgram, compile_specs: list[CompileSpec]
) -> ExportedProgram:
    """A program that a backend may rewrite, on the same tensors."""
    shared = (*edge_program.state_dict.values(), *edge_program.constants.values())
    return copy.deepcopy(edge_program, {id(tensor): tensor for tensor in shared})
