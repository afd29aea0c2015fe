"""Rows as columns: one table per kind of row, with a documented type per column.

Columns follow from the fields of the rows, so that neither can be extended without the other. What
is a table inside a row (options, versions, a device's state) is one column of JSON text.
"""

from __future__ import annotations

import inspect
import re
import types
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from operator import itemgetter
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pandas as pd
from pydantic import AwareDatetime, BaseModel
from pydantic_core import to_json

from harness.results.rows import schema

TABLES: dict[str, type[schema.Row]] = {
    "sessions": schema.SessionRow,
    "session_ends": schema.SessionEndRow,
    "devices": schema.DeviceRow,
    "device_states": schema.DeviceStateRow,
    "notices": schema.NoticeRow,
    "samples": schema.SampleRow,
    "verdicts": schema.VerdictRow,
    "comparisons": schema.ComparisonRow,
    "quarantines": schema.QuarantineRow,
    "answers": schema.AnswerRow,
    "outcomes": schema.OutcomeRow,
    "ladders": schema.LadderRow,
}
"""Kind of row by name of its table, which is a ``History`` field's."""

RUN_COLUMNS = {"run_id": "Name of the run's folder.", "worker": "Process that wrote the row."}
"""Columns that every table has before its own, with what they hold."""

_DTYPES = {
    str: "string",
    float: "Float64",
    int: "Int64",
    bool: "boolean",
    datetime: "datetime64[us, UTC]",
    AwareDatetime: "datetime64[us, UTC]",
    date: "object",
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: The field's.
        dtype: pandas' name of its type.
        is_json: Whether the text is JSON.
        description: What it holds.
    """

    name: str
    dtype: str
    is_json: bool
    description: str


@cache
def columns(table: str) -> tuple[Column, ...]:
    """Columns of a table in their order, ``RUN_COLUMNS`` first."""
    row = TABLES[table]
    described = _descriptions(row)
    own = [
        _column(name, field.annotation, described.get(name, ""))
        for name, field in row.model_fields.items()
        if name != "kind" and name not in RUN_COLUMNS
    ]
    return (*(_column(name, str, told) for name, told in RUN_COLUMNS.items()), *own)


class TableBuilder:
    """Collects rows column by column, so that a store need not be held as objects.

    Args:
        tables: Names of the tables to fill; rows of others are dropped.
    """

    def __init__(self, tables: Collection[str]) -> None:
        self._wanted = {TABLES[table]: (table, _reader(table)) for table in tables}
        self._values: dict[str, list[list[Any]]] = {
            table: [[] for _ in columns(table)] for table in TABLES
        }

    def add(self, run_id: str, by_worker: Iterable[tuple[str, Sequence[schema.Row]]]) -> None:
        """Append one run.

        Args:
            run_id: Name of the run.
            by_worker: Rows of each process with its name.
        """
        found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for worker, rows in by_worker:
            for row in rows:
                if type(row) in self._wanted:
                    table, read = self._wanted[type(row)]
                    found[table].append((run_id, worker, *read(row.__dict__)))
        for table, written in found.items():
            values = zip(*written, strict=True)
            for column, known, new in zip(columns(table), self._values[table], values, strict=True):
                known.extend(map(json_text, new) if column.is_json else new)

    def frames(self) -> dict[str, pd.DataFrame]:
        """All tables, empty ones included."""
        return {
            table: pd.DataFrame(
                {
                    column.name: pd.Series(one, dtype=column.dtype)
                    for one, column in zip(values, columns(table), strict=True)
                }
            )
            for table, values in self._values.items()
        }


def json_text(value: Any) -> str | None:
    """What is a table inside a row, as the text of its column; None where it is missing."""
    if value is None:
        return None
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return to_json(value, inf_nan_mode="strings").decode()


def _reader(table: str) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Takes a row's own columns out of its fields."""
    return itemgetter(*(column.name for column in columns(table)[len(RUN_COLUMNS) :]))


def _column(name: str, annotation: Any, description: str) -> Column:
    plain = _plain_type(annotation)
    return Column(name, _DTYPES.get(plain, "string"), plain is dict, description)


def _plain_type(annotation: Any) -> type:
    """``str``, ``float``, ... of a field; ``dict`` for whatever is not flat."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain_type(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        [inner] = [one for one in get_args(annotation) if one is not type(None)]
        return _plain_type(inner)
    if origin is Literal or (isinstance(annotation, type) and issubclass(annotation, StrEnum)):
        return str
    return annotation if annotation in _DTYPES else dict


def _descriptions(row: type[schema.Row]) -> dict[str, str]:
    """Sentences of the section ``Attributes`` of a row's docstring and of its bases'."""
    found: dict[str, str] = {}
    for kind in reversed(row.__mro__):
        if isinstance(kind.__doc__, str) and kind.__module__.startswith("harness."):
            found.update(_attributes(inspect.cleandoc(kind.__doc__)))
    return found


def _attributes(doc: str) -> Iterator[tuple[str, str]]:
    section = doc.partition("Attributes:\n")[2]
    for entry in re.split(r"\n(?= {4}\w)", "\n" + section):
        name, _, text = entry.strip().partition(":")
        if text:
            yield name, " ".join(text.split())
