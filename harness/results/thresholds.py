"""The files of ``thresholds/``: gates per model, quarantine, and what memories can do."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from harness.errors import UserError, listed, suggest
from harness.measure.gate import SELECTORS, Gate
from harness.measure.quarantine import Quarantine
from harness.targets.registry import get_target
from harness.targets.soc import KnownSoc
from harness.toml_file import BadToml, line_of_field, parse, read_text

SOCS_NAME = "socs.toml"


class DramRate(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    """One row of ``thresholds/socs.toml``.

    Attributes:
        name: SoC, as ``--soc`` takes it.
        dram_gb_per_s: Peak of the memory that it supports, in 1e9 bytes per second.
        source: Where the number can be looked up.
    """

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
    # A name that nobody can guess, and so nobody's link.
    descriptor, part = tempfile.mkstemp(dir=directory, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(whole)
        os.chmod(part, 0o644)
        os.replace(part, path)
    except BaseException:
        os.unlink(part)
        raise
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
    if (one.metric, one.population) != (other.metric, other.population):
        return None
    fixed = {name: {getattr(one, name), getattr(other, name)} - {None} for name in SELECTORS}
    if any(len(values) > 1 for values in fixed.values()):
        return None
    place = {name: next(iter(values), None) for name, values in fixed.items()}
    has_soc = place["target"] is None or get_target(place["target"]).backend.is_htp
    return place if has_soc or place["soc"] is None else None


def _judges(rival: Gate, one: Gate, place: Mapping[str, Any]) -> bool:
    return (rival.metric, rival.population) == (one.metric, one.population) and all(
        getattr(rival, name) in (None, place[name]) for name in SELECTORS
    )


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


Parsed = TypeVar("Parsed", bound=BaseModel)


def read_toml(path: Path) -> str:
    """Text of a file that a person keeps.

    Raises:
        UserError: If it cannot be read.
    """
    try:
        return read_text(path)
    except FileNotFoundError as error:
        if not path.parent.exists():
            raise UserError(
                f"{path.parent} does not exist; give --thresholds the folder of {path.name}, or "
                "leave it out."
            ) from error
        raise UserError(
            f"{path} is missing; restore it with: git checkout -- "
            f"{shlex.quote(f'{path.parent.name}/{path.name}')}"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 ({error.reason}); save it as UTF-8.") from error
    except BadToml as error:
        raise UserError(f"{path} cannot be read: {error}; take out what is no row.") from error
    except NotADirectoryError as error:
        raise UserError(
            f"{path.parent} is no folder; give --thresholds the folder of {path.name}."
        ) from error
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); look at it with: ls -ld "
            f"{shlex.quote(str(path))}"
        ) from error


def parse_rows(
    path: Path, text: str, table: str, kind: type[Parsed], **given: str
) -> tuple[Parsed, ...]:
    """Rows of one array of tables, which a file may hold nothing else beside.

    Args:
        path: Names the file in messages.
        text: Its content.
        table: Name of the array, ``gate`` for ``[[gate]]``.
        kind: What a row is.
        given: Fields that follow from the file's name, which a row must not repeat.

    Raises:
        UserError: If the text is not TOML, or a row is wrong; the message names row and field.
    """
    try:
        parsed = parse(text)
    except BadToml as error:
        raise UserError(f"{path.name} is not TOML: {error}; correct that line.") from error
    rows = parsed.get(table, [])
    if set(parsed) - {table} or not isinstance(rows, list):
        raise UserError(
            f"{path.name} has {listed(sorted(parsed))} at the top; it may hold [[{table}]] rows"
            " only."
        )
    parsed_rows = []
    for number, row in enumerate(rows, start=1):
        try:
            parsed_rows.append(_parse_row(row, kind, given))
        except _BadRow as fault:
            named = f"{path.name} [[{table}]] row {number}"
            where = line_of_field(text, table, number, fault.field)
            raise UserError(f"{named}{fault}{where}.") from fault
    return tuple(parsed_rows)


class _BadRow(Exception):
    """What is wrong with a row, in words that follow its name.

    Attributes:
        field: Where; empty for the row as a whole.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f", field {field}: {message}" if field else message)
        self.field = field


def _parse_row(row: Any, kind: type[Parsed], given: Mapping[str, str]) -> Parsed:
    if not isinstance(row, dict):
        raise _BadRow("", " is no table of fields")
    if doubled := set(row) & set(given):
        raise _BadRow(min(doubled), "remove it, the file's name already says it")
    try:
        # A text or a yes is no number, and a text no date.
        return kind.model_validate({**row, **given}, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            message = f"there is no such field; {suggest(field, kind.model_fields)}"
        else:
            message = first["msg"].removeprefix("Value error, ")
        raise _BadRow(field, message if field else f": {message}") from error
