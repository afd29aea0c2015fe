"""Reading and extending ``thresholds/``: gates per model, and what memories can do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.errors import UserError
from harness.measure.gate import SELECTORS, Gate
from harness.results.quarantine_file import QUARANTINE_NAME
from harness.results.toml_rows import parse_rows, read_toml
from harness.targets.registry import get_target
from harness.targets.soc import KnownSoc

SOCS_NAME = "socs.toml"


class DramRate(BaseModel):
    """One row of ``thresholds/socs.toml``.

    Attributes:
        name: SoC, as ``--soc`` takes it.
        dram_gb_per_s: Peak of the memory that it supports, in 1e9 bytes per second.
        source: Where the number can be looked up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: KnownSoc
    dram_gb_per_s: float = Field(gt=0)
    source: str


def load_gates(directory: Path) -> tuple[Gate, ...]:
    """All gates of a thresholds folder: one ``<model>.toml`` per model, one ``[[gate]]`` per row.

    Raises:
        UserError: If the folder or a file cannot be read, a row is not a gate of a known SoC, or
            two rows contend for one place; the message names file, row and field.
    """
    # Read when a session begins, though it is asked for after the first run.
    load_dram_rates(directory)
    gates: list[Gate] = []
    for path in sorted(directory.glob("*.toml")):
        if path.name not in (SOCS_NAME, QUARANTINE_NAME):
            gates += _parse_gates(path, read_toml(path))
    return tuple(gates)


def load_dram_rates(directory: Path) -> dict[str, float]:
    """Peak DRAM bandwidth by SoC, in 1e9 bytes per second, where it is known.

    Raises:
        UserError: If ``socs.toml`` is missing or a row of it is wrong; the message names the row.
    """
    path = directory / SOCS_NAME
    rows = parse_rows(path, read_toml(path), "soc", DramRate)
    return {row.name: row.dram_gb_per_s for row in rows}


def append_rows(directory: Path, model: str, text: str) -> Path:
    """Append rows to a model's file, which stays as it was unless the whole result is valid.

    Args:
        directory: The thresholds folder.
        model: Name of the model, which names the file.
        text: Rows as ``VerdictRow.proposed_gate`` holds them.

    Returns:
        The file written.

    Raises:
        UserError: If file and rows together are not valid.
    """
    path = directory / f"{model}.toml"
    existing = read_toml(path) if path.exists() else ""
    whole = f"{existing.rstrip()}\n\n{text}".lstrip()
    _parse_gates(path, whole)
    part = directory / f"{path.name}.part"
    part.write_text(whole, encoding="utf-8")
    os.replace(part, path)
    return path


def _parse_gates(path: Path, text: str) -> tuple[Gate, ...]:
    gates = parse_rows(path, text, "gate", Gate, model=path.stem)
    _refuse_contenders(path, gates)
    return gates


def _refuse_contenders(path: Path, gates: Sequence[Gate]) -> None:
    """Find before a measurement of hours what ``find_gate`` would refuse after it."""
    for (first, one), (second, other) in combinations(enumerate(gates, start=1), 2):
        if one.specificity != other.specificity or not (place := _common_place(one, other)):
            continue
        rivals = (gate for gate in gates if gate.specificity > one.specificity)
        if not any(_judges(rival, one, place) for rival in rivals):
            raise UserError(
                f"{path.name} [[gate]] rows {first} and {second} are equally specific and can both"
                f" apply: {one.describe()} and {other.describe()}; keep one of them, or narrow one"
                f" with {', '.join(SELECTORS)}."
            )


def _common_place(one: Gate, other: Gate) -> dict[str, Any] | None:
    """Selectors of the widest place that two gates both judge, None if there is no such place."""
    if (one.metric, one.protocol) != (other.metric, other.protocol):
        return None
    fixed = {name: {getattr(one, name), getattr(other, name)} - {None} for name in SELECTORS}
    if any(len(values) > 1 for values in fixed.values()):
        return None
    place = {name: next(iter(values), None) for name, values in fixed.items()}
    has_soc = place["target"] is None or get_target(place["target"]).backend.is_htp
    return place if has_soc or place["soc"] is None else None


def _judges(rival: Gate, one: Gate, place: Mapping[str, Any]) -> bool:
    return (rival.metric, rival.protocol) == (one.metric, one.protocol) and all(
        getattr(rival, name) in (None, place[name]) for name in SELECTORS
    )
