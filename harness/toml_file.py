"""TOML that somebody wrote by hand: read within bounds, and told by its line what is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MAX_BYTES = 1 << 20
"""The largest that ships is a hundredth of it."""
MAX_DEPTH = 16
"""Tables within tables; what is written by hand has four."""

_LONGEST_LINE = 60


class BadToml(ValueError):
    """Why a text is not TOML of ours; begins in the middle of a sentence."""


def read_text(path: Path) -> str:
    """Text of a file, a byte order mark left out.

    Raises:
        BadToml: If it is larger than ``MAX_BYTES``, or no regular file, which may never end.
        UnicodeDecodeError: If it is not UTF-8; the reason has the line.
        OSError: If it cannot be read.
    """
    # A folder is told by the system's own words.
    if path.exists() and not path.is_file() and not path.is_dir():
        raise BadToml("it is no regular file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise BadToml(f"it has more than {MAX_BYTES // 1024:,} KiB, the most that is read")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        error.reason += f" at line {line}"
        raise


def parse(text: str) -> dict[str, Any]:
    """The table that a text describes.

    Raises:
        BadToml: If it is not TOML, or what no person would write; the line is told.
    """
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise BadToml(_too_deep(text)) from error
    except ValueError as error:
        # Python reads no whole number of so many digits.
        digits = None if isinstance(error, tomllib.TOMLDecodeError) else _line_of(r"\d{4000}", text)
        raise BadToml(str(error) if digits is None else f"a number is too long{digits}") from error
    if _is_deep(table):
        raise BadToml(_too_deep(text))
    return table


def _too_deep(text: str) -> str:
    where = _line_of(r"(?:[\[{][^\]}\n]*){16}|(?:[^\n.=]+\.){16}", text) or ""
    return f"tables and lists are nested more than {MAX_DEPTH} deep{where}"


def _line_of(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return None if found is None else f" (at line {text.count(chr(10), 0, found.start()) + 1})"


def _is_deep(table: dict[str, Any]) -> bool:
    level: list[Any] = [table]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return False
    return True


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def line_of_field(text: str, table: str, number: int, field: str) -> str:
    """Where a field of a row stands, for the end of a sentence: `` (line 12: min = nan)``.

    Args:
        text: TOML with rows ``[[table]]``.
        table: Name of the rows; empty for the file's own keys.
        number: Of the row, from 1.
        field: Its name, before its first dot where it has several; a row's first line where it
            has no such field.

    Returns:
        Empty where it cannot be told, as of a row that is written in one line with others.
    """
    lines = text.splitlines()
    heads = [
        place
        for place, line in enumerate(lines)
        if re.match(rf"\s*\[\[\s*[\"']?{re.escape(table)}[\"']?\s*\]\]", line)
    ]
    if table and len(heads) < number:
        return ""
    begin = heads[number - 1] if table else 0
    key = re.compile(rf"\s*[\"']?{re.escape(field.partition('.')[0])}[\"']?\s*[.=]")
    for place in range(begin + bool(table), len(lines)):
        if re.match(r"\s*\[", lines[place]) and table:
            break
        if field and key.match(lines[place]):
            return f" (line {place + 1}: {_short(lines[place])})"
    return f" (line {begin + 1})" if table else ""


def _short(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
