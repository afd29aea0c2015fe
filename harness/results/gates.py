"""Reading and extending ``thresholds/``: gates per model, and the SoC table."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import UserError, suggest
from harness.measure.gate import Gate
from harness.measure.proposal import render_gate
from harness.measure.soc import Soc
from harness.measure.verdict import Verdict

SOCS_NAME = "socs.toml"

Row = TypeVar("Row", bound=BaseModel)


def load_gates(directory: Path) -> tuple[Gate, ...]:
    """All gates of a thresholds folder: one ``<model>.toml`` per model, one ``[[gate]]`` per row.

    Raises:
        UserError: If a file is not TOML, or a row is not a gate of a known SoC; the message names
            file, row and field.
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


def get_soc(socs: Mapping[str, Soc], name: str) -> Soc:
    """Look up a SoC.

    Raises:
        UserError: If the table has no such SoC; the message suggests the nearest one.
    """
    if name not in socs:
        raise UserError(f"There is no SoC {name!r}; {suggest(name, socs)}.")
    return socs[name]


def propose_rows(verdicts: Iterable[Verdict]) -> dict[str, str]:
    """Rows to append for everything that was measured without a gate, as TOML text by model.

    Several verdicts on the same metric and place yield one row, that of the first.
    """
    rows: dict[str, dict[tuple[object, ...], str]] = {}
    for verdict in verdicts:
        if verdict.proposal is not None:
            place = (verdict.metric, verdict.context)
            rows.setdefault(verdict.context.model, {}).setdefault(
                place, render_gate(verdict.proposal)
            )
    return {model: "\n".join(texts.values()) for model, texts in rows.items()}


def append_rows(directory: Path, model: str, text: str) -> Path:
    """Append rows to a model's file, which stays as it was unless the whole result is valid.

    Args:
        directory: The thresholds folder.
        model: Name of the model, which names the file.
        text: From ``propose_rows``.

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


def _parse_gates(path: Path, text: str, socs: Mapping[str, Soc]) -> tuple[Gate, ...]:
    gates = _parse_rows(path, text, "gate", Gate, model=path.stem)
    for number, gate in enumerate(gates, start=1):
        if gate.soc is not None and gate.soc not in socs:
            raise UserError(
                f"{path.name} [[gate]] row {number}, field soc: there is no SoC {gate.soc!r} in"
                f" {SOCS_NAME}; {suggest(gate.soc, socs)}."
            )
    return gates


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
