"""Reading and extending ``thresholds/``: gates per model, and the SoC table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from harness.errors import UserError, suggest
from harness.measure.gate import SELECTORS, Gate
from harness.measure.soc import Soc
from harness.results.quarantine_file import QUARANTINE_NAME
from harness.results.toml_rows import parse_rows, read_toml

SOCS_NAME = "socs.toml"


def load_gates(directory: Path) -> tuple[Gate, ...]:
    """All gates of a thresholds folder: one ``<model>.toml`` per model, one ``[[gate]]`` per row.

    Raises:
        UserError: If the folder or a file cannot be read, a row is not a gate of a known SoC, or
            two rows contend for one place; the message names file, row and field.
    """
    socs = load_socs(directory)
    gates: list[Gate] = []
    for path in sorted(directory.glob("*.toml")):
        if path.name not in (SOCS_NAME, QUARANTINE_NAME):
            gates += _parse_gates(path, read_toml(path), socs)
    return tuple(gates)


def load_socs(directory: Path) -> dict[str, Soc]:
    """The SoC table of a thresholds folder by name.

    Raises:
        UserError: If ``socs.toml`` is missing or a row of it is wrong; the message names the row.
    """
    path = directory / SOCS_NAME
    return {soc.name: soc for soc in parse_rows(path, read_toml(path), "soc", Soc)}


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
    _parse_gates(path, whole, load_socs(directory))
    part = directory / f"{path.name}.part"
    part.write_text(whole, encoding="utf-8")
    os.replace(part, path)
    return path


def _parse_gates(path: Path, text: str, socs: Mapping[str, Soc]) -> tuple[Gate, ...]:
    gates = parse_rows(path, text, "gate", Gate, model=path.stem)
    for number, gate in enumerate(gates, start=1):
        if gate.soc is not None and gate.soc not in socs:
            raise UserError(
                f"{path.name} [[gate]] row {number}, field soc: there is no SoC {gate.soc!r} in"
                f" {SOCS_NAME}; {suggest(gate.soc, socs)}."
            )
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
    return None if place["target"] == "host" and place["soc"] is not None else place


def _judges(rival: Gate, one: Gate, place: Mapping[str, Any]) -> bool:
    return (rival.metric, rival.protocol) == (one.metric, one.protocol) and all(
        getattr(rival, name) in (None, place[name]) for name in SELECTORS
    )
