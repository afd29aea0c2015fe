"""Reading and extending ``thresholds/``: gates per model, and the SoC table."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import UserError, suggest
from harness.measure.gate import SELECTORS, Gate
from harness.measure.soc import Soc

SOCS_NAME = "socs.toml"

Row = TypeVar("Row", bound=BaseModel)


def load_gates(directory: Path) -> tuple[Gate, ...]:
    """All gates of a thresholds folder: one ``<model>.toml`` per model, one ``[[gate]]`` per row.

    Raises:
        UserError: If the folder or a file cannot be read, a row is not a gate of a known SoC, or
            two rows contend for one place; the message names file, row and field.
    """
    socs = load_socs(directory)
    gates: list[Gate] = []
    for path in sorted(directory.glob("*.toml")):
        if path.name != SOCS_NAME:
            gates += _parse_gates(path, _read(path), socs)
    return tuple(gates)


def load_socs(directory: Path) -> dict[str, Soc]:
    """The SoC table of a thresholds folder by name.

    Raises:
        UserError: If ``socs.toml`` is missing or a row of it is wrong; the message names the row.
    """
    path = directory / SOCS_NAME
    return {soc.name: soc for soc in _parse_rows(path, _read(path), "soc", Soc)}


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
    existing = _read(path) if path.exists() else ""
    whole = f"{existing.rstrip()}\n\n{text}".lstrip()
    _parse_gates(path, whole, load_socs(directory))
    part = directory / f"{path.name}.part"
    part.write_text(whole, encoding="utf-8")
    os.replace(part, path)
    return path


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(
            f"{path} is missing; restore it with: git checkout -- {path.parent.name}/{path.name}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error.reason}); save it as UTF-8.") from error
    except NotADirectoryError as error:
        raise UserError(
            f"{path.parent} is no folder; give --thresholds the folder of {path.name}."
        ) from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); look at it with: ls -ld {path}"
        ) from error


def _parse_gates(path: Path, text: str, socs: Mapping[str, Soc]) -> tuple[Gate, ...]:
    gates = _parse_rows(path, text, "gate", Gate, model=path.stem)
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


def _parse_rows(
    path: Path, text: str, table: str, kind: type[Row], **given: str
) -> tuple[Row, ...]:
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path.name} is not TOML: {error}; correct that line.") from error
    rows = parsed.get(table, [])
    if set(parsed) - {table} or not isinstance(rows, list):
        raise UserError(
            f"{path.name} has {', '.join(sorted(parsed))} at the top; it may hold [[{table}]] rows"
            " only."
        )
    return tuple(
        _parse_row(f"{path.name} [[{table}]] row {number}", row, kind, given)
        for number, row in enumerate(rows, start=1)
    )


def _parse_row(place: str, row: Any, kind: type[Row], given: Mapping[str, str]) -> Row:
    if not isinstance(row, dict):
        raise UserError(f"{place} is {row!r}, not a table of fields.")
    if doubled := set(row) & set(given):
        raise UserError(
            f"{place}, field {min(doubled)}: remove it, the file's name already says it."
        )
    try:
        return kind.model_validate({**row, **given})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            message = f"there is no such field; {suggest(field, kind.model_fields)}"
        else:
            message = first["msg"].removeprefix("Value error, ")
        where = f", field {field}" if field else ""
        raise UserError(f"{place}{where}: {message}.") from error
