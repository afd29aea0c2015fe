"""CSV that spreadsheets, pandas and ``csv`` read alike, and in which no text is a formula.

A spreadsheet takes a text that begins like a formula for one and runs it. Such a text, and one that
begins with an apostrophe, has an apostrophe put before it; :func:`plain` takes it away again.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import IO, Any

import pandas as pd

_GUARD = "'"

_BEGINS_FORMULA = re.compile(
    "[\\s\x00-\x20\u200b-\u200f\u2060\ufeff]*[=+@\uff1d\uff0b\uff0d\uff20-]|[\t\r\n']"
)
"""Spreadsheets skip blanks, and read full-width signs as their narrow ones in some languages."""


def guarded(text: str) -> str:
    """A text as a cell of a spreadsheet."""
    return f"{_GUARD}{text}" if _BEGINS_FORMULA.match(text) else text


def plain(text: str) -> str:
    """The text of a cell that :func:`guarded` made."""
    return text.removeprefix(_GUARD)


def write_rows(rows: Iterable[Iterable[Any]], file: IO[str]) -> None:
    """Write rows; what is no text stands as ``str`` shows it, None as an empty cell.

    Args:
        rows: The header first; texts are guarded.
        file: Open for text, with ``newline=""`` or its like, so that line ends stay what they are.
    """
    # A bare carriage return is only quoted where line ends have one.
    writer = csv.writer(_LineFeeds(file), lineterminator=_LineFeeds.END)
    for row in rows:
        writer.writerow([guarded(cell) if isinstance(cell, str) else cell for cell in row])


class _LineFeeds:
    """Takes a row at a time and ends it with a line feed alone."""

    END = "\r\n"

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: str) -> None:
        """Write one row."""
        self._file.write(row.removesuffix(self.END) + "\n")


def write_frame(frame: pd.DataFrame, file: IO[str]) -> None:
    """Write a frame as :func:`write_rows` does; a missing value is an empty cell."""
    cells = frame.astype(object).where(frame.notna(), None)
    write_rows([map(str, cells.columns), *cells.itertuples(index=False, name=None)], file)
