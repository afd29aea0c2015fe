"""Rows of TOML files that people keep: read with messages that name the place to correct."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import UserError, suggest

Row = TypeVar("Row", bound=BaseModel)


def read_toml(path: Path) -> str:
    """Text of a file that a person keeps.

    Raises:
        UserError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if not path.parent.exists():
            raise UserError(
                f"{path.parent} does not exist; give --thresholds the folder of {path.name}, or "
                "leave it out."
            ) from error
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


def parse_rows(path: Path, text: str, table: str, kind: type[Row], **given: str) -> tuple[Row, ...]:
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
