"""Files of a thresholds folder: gates, quarantines, memories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import harness
from benchmarks.fuzz.kinds.file_kind import FileKind, Whole
from harness.measure.quarantine import expired
from harness.results.thresholds import (
    QUARANTINE_NAME,
    load_dram_rates,
    load_gates,
    load_quarantine,
)

_QUARANTINE = b"""
[[quarantine]]
metric = "decode_tps"
model = "tiny_smolvlm"
target = "phone"
soc = "SM8650"
owner = "ada@example.org"
reason = "inconclusive two nights running"
since = 2026-11-24
expires = 2026-12-08

[[quarantine]]
metric = "pte_bytes"
model = "tiny_internvl3"
component = "text_decoder"
owner = "ada@example.org"
reason = "flips"
since = 2026-11-24
expires = 2026-12-08
"""


class GateFiles(FileKind):
    """All that ship, and a quarantine."""

    name = "gates"

    def wholes(self, folder: Path) -> Sequence[Whole]:
        """A copy of each file that ships, and quarantines."""
        shipped = Path(harness.__file__).parents[1] / "thresholds"
        contents = {path.name: path.read_bytes() for path in sorted(shipped.glob("*.toml"))}
        contents[QUARANTINE_NAME] = _QUARANTINE
        return [Whole(folder / name, content, _read) for name, content in contents.items()]


def _read(path: Path) -> object:
    rows = load_quarantine(path.parent)
    gates = load_gates(path.parent)
    told = [gate.describe() for gate in gates] + [row.describe() for row in rows]
    return told, load_dram_rates(path.parent), expired(rows, date(2026, 12, 1))
