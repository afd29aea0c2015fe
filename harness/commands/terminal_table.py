"""Frames on a terminal: tables no wider than it, in whole words, and what was left out."""

from __future__ import annotations

import math
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.display import shown
from harness.measure.wording import number

PIPE_WIDTH = 80
"""Columns of a table that no terminal shows, unless ``COLUMNS`` says otherwise."""

_GAP = "  "
_MIN_TEXT_WIDTH = 24
_VALUES = ("value", "median", "lower", "upper", "min", "max", "ratio", "gate_min", "gate_max")
_SHARES = ("cv", "floor", "different_at_most")
_KEY_DIGITS = 12
"""As in the folder of an artifact; filters and ``--compare`` take the beginning of a key."""


def terminal_width() -> int:
    """Columns to fit into."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) else PIPE_WIDTH


def percent(share: float) -> str:
    """``5.3 %``, and ``0.04 %`` rather than none."""
    is_small = 0 < abs(share) < 0.0005
    return f"{100 * share:.1g} %" if is_small else f"{100 * share:.1f} %"


def cell(value: object, name: str = "") -> str:
    """A value as a person writes it; empty where it is missing."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return percent(value) if name in _SHARES else number(value)
    # What a line feed or a tab in a text would do to a table.
    text = " ".join(shown(str(value)).split())
    return text[:_KEY_DIGITS] if name.endswith("_key") else text


@dataclass(frozen=True)
class _Cells:
    """A frame in words.

    Attributes:
        names: Of the columns.
        rows: One text per column.
        numeric: Columns whose texts end at the same place.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[str]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> _Cells:
        columns = {str(name): [cell(one, str(name)) for one in frame[name]] for name in frame}
        numeric = {str(name) for name in frame if _is_number(frame[name].dtype)}
        return cls(tuple(columns), tuple(zip(*columns.values(), strict=True)), frozenset(numeric))

    def without(self, name: str) -> _Cells:
        place = self.names.index(name)
        return _Cells(
            self.names[:place] + self.names[place + 1 :],
            tuple(row[:place] + row[place + 1 :] for row in self.rows),
            self.numeric,
        )

    def column(self, name: str) -> list[str]:
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def least_widths(self) -> list[int]:
        """Columns that each one needs: a long text can be wrapped between its words."""
        return [
            max(len(name), *(_least_width(text) for text in self.column(name)))
            if self.rows
            else len(name)
            for name in self.names
        ]


def _is_number(dtype: object) -> bool:
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _least_width(text: str) -> int:
    longest = max(map(len, text.split()), default=0)
    return len(text) if len(text) <= _MIN_TEXT_WIDTH else max(longest, _MIN_TEXT_WIDTH)


def table_lines(
    frame: pd.DataFrame, width: int, limit: int | None, headings: Sequence[str] = ()
) -> Iterator[str]:
    """A frame as a table; what is the same in all rows is said once, above it.

    Where the table is too wide, columns become headings over the rows that share them, and what is
    too wide even then is left out and named.

    Args:
        frame: The rows.
        width: Columns to fit into.
        limit: How many rows, the last ones; None for all of them and all of their columns.
        headings: Columns that may become headings, the first one first.
    """
    if frame.empty:
        yield "no rows"
        return
    shown = _with_units(frame if limit is None else frame.tail(limit))
    cells = _Cells.of(shown)
    same = [name for name in cells.names if len(shown) > 1 and len(set(cells.column(name))) == 1]
    told = [f"{name} {text}" for name in same if (text := cells.column(name)[0])]
    yield from _wrapped(", ".join(told), width)
    for name in same:
        cells = cells.without(name)
    over: list[tuple[str, list[str]]] = []
    for name in headings:
        if _total(cells) > width and name in cells.names and len(cells.names) > 1:
            over.append((name, cells.column(name)))
            cells = cells.without(name)
    left_out: list[str] = []
    while _total(cells) > width and len(cells.names) > 1 and limit is not None:
        left_out.insert(0, cells.names[-1])
        cells = cells.without(cells.names[-1])
    if _total(cells) > width and limit is None:
        yield from _records(_Cells.of(shown), width)
    elif cells.names:
        yield from _table(cells, over, width)
    if len(shown) < len(frame):
        counted = f"The last {len(shown):,} of {len(frame):,} rows"
        yield from _wrapped(f"{counted}; --limit shows more, --all every one.", width)
    if left_out:
        names = ", ".join(left_out)
        told_of = f"Left out for want of room: {names}; --show chooses columns, --all shows all."
        yield from _wrapped(told_of, width)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _with_units(frame: pd.DataFrame) -> pd.DataFrame:
    """Values with their unit behind them."""
    if "unit" not in frame or frame["unit"].nunique(dropna=False) == 1:
        return frame
    units = [cell(unit) for unit in frame["unit"]]
    with_units = {
        name: [f"{text} {unit}" if text and unit != "1" else text for text, unit in texts]
        for name in _VALUES
        if name in frame
        for texts in [list(zip(map(cell, frame[name]), units, strict=True))]
    }
    return frame.assign(**with_units).drop(columns="unit") if with_units else frame


def _total(cells: _Cells) -> int:
    return sum(cells.least_widths()) + len(_GAP) * (len(cells.names) - 1)


def _table(cells: _Cells, over: Sequence[tuple[str, list[str]]], width: int) -> Iterator[str]:
    widths = _widths(cells, width)
    yield _line([[name] for name in cells.names], cells, widths)[0]
    yield _GAP.join("-" * one for one in widths)
    before: list[str] = []
    for number_of_row, row in enumerate(cells.rows):
        heading = [f"{name} {texts[number_of_row]}" for name, texts in over if texts[number_of_row]]
        if heading != before:
            yield from _wrapped(", ".join(heading), width)
            before = heading
        wrapped = [_wrapped(text, one) or [""] for text, one in zip(row, widths, strict=True)]
        yield from _line(wrapped, cells, widths)


def _widths(cells: _Cells, width: int) -> list[int]:
    """The least ones, and what is free for texts that would be wrapped."""
    widths = [min(one, width) for one in cells.least_widths()]
    for place, name in enumerate(cells.names):
        free = width - sum(widths) - len(_GAP) * (len(widths) - 1)
        wanted = max(map(len, cells.column(name)), default=0)
        widths[place] = max(widths[place], min(wanted, widths[place] + free))
    return widths


def _line(wrapped: Sequence[list[str]], cells: _Cells, widths: Sequence[int]) -> list[str]:
    height = max(map(len, wrapped), default=0)
    lines = []
    for number_of_line in range(height):
        texts = [
            text.rjust(width) if name in cells.numeric else text.ljust(width)
            for name, width, lines_of_cell in zip(cells.names, widths, wrapped, strict=True)
            for text in [
                lines_of_cell[number_of_line] if number_of_line < len(lines_of_cell) else ""
            ]
        ]
        lines.append(_GAP.join(texts).rstrip())
    return lines


def _records(cells: _Cells, width: int) -> Iterator[str]:
    """Row by row, a line per column that says something."""
    for row in cells.rows:
        for name, text in zip(cells.names, row, strict=True):
            if text:
                yield from textwrap.wrap(
                    f"{name}: {text}", width, subsequent_indent="    ", break_on_hyphens=False
                )
        yield ""
