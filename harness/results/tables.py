"""Rows as columns: one table per kind of row, with a documented type per column.

Columns follow from the fields of the rows, so that neither can be extended without the other. What
is a table inside a row (options, versions, a device's state) is one column of JSON text.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pandas as pd
import pyarrow as pa
from pydantic import AwareDatetime, BaseModel
from pydantic_core import to_json

from harness.results.rows.device import DeviceRow, DeviceStateRow
from harness.results.rows.judged import ComparisonRow, QuarantineRow
from harness.results.rows.schema import (
    AnswerRow,
    OutcomeRow,
    Row,
    SampleRow,
    SessionEndRow,
    SessionRow,
    VerdictRow,
)

TABLES: dict[str, type[Row]] = {
    "sessions": SessionRow,
    "session_ends": SessionEndRow,
    "devices": DeviceRow,
    "device_states": DeviceStateRow,
    "samples": SampleRow,
    "verdicts": VerdictRow,
    "comparisons": ComparisonRow,
    "quarantines": QuarantineRow,
    "answers": AnswerRow,
    "outcomes": OutcomeRow,
}
"""Kind of row by name of its table, which is a Parquet file's and a ``History`` field's."""

RUN_COLUMNS = ("run_id", "worker")
"""Columns that every table has before its own: the run, and the process that wrote the row."""

_ARROW = {
    str: pa.string(),
    float: pa.float64(),
    int: pa.int64(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
    AwareDatetime: pa.timestamp("us", tz="UTC"),
    date: pa.date32(),
}
_PANDAS = {
    pa.string(): pd.StringDtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: The field's.
        arrow: Type in Parquet.
        is_json: Whether the text is JSON.
        description: What it holds.
    """

    name: str
    arrow: pa.DataType
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
        if name not in ("kind", "run_id", "worker")
    ]
    where = {"run_id": "Name of the run's folder.", "worker": "Process that wrote the row."}
    return (*(_column(name, str, where[name]) for name in RUN_COLUMNS), *own)


@cache
def schema(table: str) -> pa.Schema:
    """Arrow schema of a table."""
    return pa.schema([(column.name, column.arrow) for column in columns(table)])


class TableBuilder:
    """Collects rows of one run, column by column, so that a run need not be held as objects."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._values: dict[str, list[list[Any]]] = {
            table: [[] for _ in columns(table)] for table in TABLES
        }

    def add(self, rows: Iterable[Row], worker: str) -> None:
        """Append the rows of one journal file."""
        for row in rows:
            table = _TABLE_OF[type(row)]
            fields = {**row.__dict__, "run_id": self._run_id, "worker": worker}
            for column, values in zip(columns(table), self._values[table], strict=True):
                value = fields[column.name]
                values.append(_json(value) if column.is_json and value is not None else value)

    def finish(self) -> dict[str, pa.Table]:
        """All tables, empty ones included."""
        return {
            table: pa.Table.from_arrays(
                [
                    pa.array(one, column.arrow)
                    for one, column in zip(values, columns(table), strict=True)
                ],
                schema=schema(table),
            )
            for table, values in self._values.items()
        }


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table as pandas frame: ``string``, ``Float64``, ``Int64``, ``boolean``, UTC times."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_PANDAS.get)
    return frame


_TABLE_OF: dict[type, str] = {row: table for table, row in TABLES.items()}


def _column(name: str, annotation: Any, description: str) -> Column:
    plain = _plain_type(annotation)
    return Column(name, _ARROW.get(plain, pa.string()), plain is dict, description)


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
    return annotation if annotation in _ARROW else dict


def _json(value: Any) -> str:
    if isinstance(value, BaseModel):
        return value.model_dump_json()
    return to_json(value, inf_nan_mode="strings").decode()


def _descriptions(row: type[Row]) -> dict[str, str]:
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


def schema_digest_text() -> str:
    """All columns and types in one text, which changes when any of them does."""
    return json.dumps({table: str(schema(table)) for table in TABLES}, sort_keys=True)
