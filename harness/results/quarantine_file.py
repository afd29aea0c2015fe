"""``thresholds/quarantine.toml``: gates that somebody has put aside for a while."""

from __future__ import annotations

from pathlib import Path

from harness.measure.quarantine import Quarantine
from harness.results.toml_rows import parse_rows, read_toml

QUARANTINE_NAME = "quarantine.toml"


def load_quarantine(directory: Path) -> tuple[Quarantine, ...]:
    """All rows of a thresholds folder, in their order; none without the file.

    Raises:
        UserError: If the file cannot be read or a row is wrong; the message names row and field.
    """
    path = directory / QUARANTINE_NAME
    if not path.exists():
        return ()
    return parse_rows(path, read_toml(path), "quarantine", Quarantine)
