"""What the HTP compiler prints about the graphs it made."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

_HEADING = "DDR bandwidth summary"
_FIELD = re.compile(r"^(\w+)=(\d+)\s*$")


@dataclass(frozen=True)
class DdrTraffic:
    """DRAM traffic of one call of one graph, as the compiler counts it at the end of its work.

    Attributes:
        spill_bytes: Moved out of VTCM for lack of room.
        fill_bytes: Moved back into VTCM.
        write_total_bytes: All writes.
        read_total_bytes: All reads.
    """

    spill_bytes: int
    fill_bytes: int
    write_total_bytes: int
    read_total_bytes: int


def read_ddr_traffic(log: str) -> list[DdrTraffic]:
    """Find all summaries in a compiler's output, in the order in which graphs were finished.

    Raises:
        ValueError: If a summary lacks a figure.
    """
    sections = log.split(_HEADING)[1:]
    return [_read_section(section) for section in sections]


def _read_section(section: str) -> DdrTraffic:
    names = [field.name for field in fields(DdrTraffic)]
    matches = [_FIELD.match(line.strip()) for line in section.splitlines()]
    found = {match[1]: int(match[2]) for match in matches if match}
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"the compiler's {_HEADING} lacks {', '.join(missing)}")
    return DdrTraffic(*(found[name] for name in names))


@contextmanager
def captured_output() -> Iterator[list[str]]:
    """Collect what C code prints to standard output, which ``sys.stdout`` never sees.

    Yields:
        A list that holds the whole text as its one element when the block has ended.
    """
    text: list[str] = []
    libc = ctypes.CDLL(None)
    sys.stdout.flush()
    libc.fflush(None)
    saved = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            yield text
        finally:
            sys.stdout.flush()
            libc.fflush(None)
            os.dup2(saved, 1)
            os.close(saved)
            file.seek(0)
            text.append(file.read().decode(errors="replace"))
