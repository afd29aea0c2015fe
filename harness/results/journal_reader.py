"""Reading one journal: whole rows of every schema version, a torn last line left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError
from pydantic_core import from_json

from harness.errors import UserError
from harness.pointer_file import refuse_pointer
from harness.results.rows.schema import SCHEMA_VERSION, Row, parse_row
from harness.results.stored_run import BYTE_ORDER_MARK


def file_rows(file: Path) -> Iterator[Row]:
    """Rows of one journal, one at a time; a torn last line is left out.

    Raises:
        UserError: If a whole line is damaged, or of a newer snapgate, or the file cannot be read or
            stands for one that was not fetched.
    """
    version = SCHEMA_VERSION
    # Only a line feed ends a row: str.splitlines would also break at U+2028 inside a text.
    with _opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            if line.isspace():
                continue
            line = line.removeprefix(BYTE_ORDER_MARK)
            if number == 1:
                version = _schema_version(line) or SCHEMA_VERSION
            yield _read_line(file, number, line, version)


def is_torn(file: Path) -> bool:
    """Whether a killed process left the last line of a journal unfinished."""
    with _opened(file) as content:
        if content.seek(0, os.SEEK_END) == 0:
            return False
        content.seek(-1, os.SEEK_END)
        return content.read() != b"\n"


def _opened(file: Path) -> BinaryIO:
    refuse_pointer(file)
    try:
        return file.open("rb")
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); see to its owner.") from error


def _read_line(file: Path, number: int, line: bytes, version: int) -> Row:
    try:
        return parse_row(line)
    except ValidationError as error:
        if version > SCHEMA_VERSION:
            raise UserError(
                f"{file} line {number} has schema version {version} and this snapgate reads up to "
                f"{SCHEMA_VERSION}; update with `pip install -U snapgate`."
            ) from error
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "row"
        raise UserError(
            f"{file} line {number} is damaged ({place}: {problem['msg']}); "
            f"look at it with `sed -n {number}p {file}` and remove it to read the rest."
        ) from error


def _schema_version(line: bytes) -> int | None:
    try:
        row = from_json(line)
    except ValueError:
        return None
    version = row.get("schema_version") if isinstance(row, dict) else None
    return version if isinstance(version, int) else None
