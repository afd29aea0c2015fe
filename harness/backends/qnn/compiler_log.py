"""What the HTP compiler prints about the graphs it made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

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


def read_ddr_traffic(lines: Sequence[str]) -> list[DdrTraffic | None]:
    """Find all summaries in a compiler's output, in the order in which graphs were finished.

    Compilers of other versions may print none, or other figures: a summary that lacks one is None.
    """
    headings = [index for index, line in enumerate(lines) if _HEADING in line]
    return [_read_section(lines[start:end]) for start, end in pairwise([*headings, len(lines)])]


def _read_section(lines: Sequence[str]) -> DdrTraffic | None:
    names = [field.name for field in fields(DdrTraffic)]
    matches = [_FIELD.match(line.strip()) for line in lines]
    found = {match[1]: int(match[2]) for match in matches if match}
    return DdrTraffic(*map(found.__getitem__, names)) if found.keys() >= set(names) else None
