"""Reading journals: whole rows of every schema version, torn last lines counted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import from_json

from harness.errors import UserError
from harness.results.rows.schema import SCHEMA_VERSION, Row, parse_row


@dataclass(frozen=True)
class ReadResult:
    """All rows of a run: file by file in name order, each file in the order of writing.

    Attributes:
        rows: What was written.
        torn: Last lines that a killed process did not finish; skipped.
    """

    rows: tuple[Row, ...]
    torn: int


def read_rows(directory: Path) -> ReadResult:
    """Read a run's folder.

    Raises:
        UserError: If there is no journal, or one has a line that nobody's death explains.
    """
    files = journal_files(directory)
    rows = tuple(row for file in files for row in file_rows(file))
    return ReadResult(rows, sum(map(is_torn, files)))


def journal_files(directory: Path) -> tuple[Path, ...]:
    """The journals of a run, by name.

    Raises:
        UserError: If there is none.
    """
    files = tuple(sorted(directory.glob("rows-*.jsonl")))
    if not files:
        raise UserError(
            f"{directory} holds no rows-*.jsonl, so it is not a run; "
            "name the folder of a run with --run, or make one with `pytest -m accuracy`."
        )
    return files


def file_rows(file: Path) -> Iterator[Row]:
    """Rows of one journal, one at a time; a torn last line is left out.

    Raises:
        UserError: If a whole line is damaged, or of a newer snapgate.
    """
    version = SCHEMA_VERSION
    # Only a line feed ends a row: str.splitlines would also break at U+2028 inside a text.
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            if number == 1:
                version = _schema_version(line) or SCHEMA_VERSION
            yield _read_line(file, number, line, version)


def is_torn(file: Path) -> bool:
    """Whether a killed process left the last line of a journal unfinished."""
    with file.open("rb") as content:
        if content.seek(0, os.SEEK_END) == 0:
            return False
        content.seek(-1, os.SEEK_END)
        return content.read() != b"\n"


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
