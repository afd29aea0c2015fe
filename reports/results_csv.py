"""``results.csv``: samples, verdicts, answers and comparisons of a run, for spreadsheets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from harness.results.rows.schema import AnswerRow, ComparisonRow, SampleRow, VerdictRow
from harness.results.run import Run
from harness.results.spreadsheet import plain, write_rows

Dtype = Literal["string", "Float64", "Int64", "boolean", "datetime64[us, UTC]"]

COLUMNS: dict[str, Dtype] = {
    "kind": "string",
    "run_id": "string",
    "at": "datetime64[us, UTC]",
    "test_id": "string",
    "model": "string",
    "component": "string",
    "target": "string",
    "soc": "string",
    "device": "string",
    "mode": "string",
    "precision": "string",
    "protocol": "string",
    "artifact_key": "string",
    "metric": "string",
    "unit": "string",
    "value": "Float64",
    "run_index": "Int64",
    "valid": "boolean",
    "invalid_reason": "string",
    "generated_tokens": "Int64",
    "virtual": "boolean",
    "status": "string",
    "sentence": "string",
    "median": "Float64",
    "lower": "Float64",
    "upper": "Float64",
    "n_samples": "Int64",
    "gate_min": "Float64",
    "gate_max": "Float64",
    "gate_source": "string",
    "gate_confidence": "string",
    "gate_since": "string",
    "proposed_gate": "string",
    "sample_id": "string",
    "question_kind": "string",
    "variant": "string",
    "question": "string",
    "expected": "string",
    "reference": "string",
    "given": "string",
    "correct": "boolean",
    "image": "string",
    "cold_session": "Int64",
    "quarantined": "boolean",
    "side": "string",
    "method": "string",
    "baseline_key": "string",
    "outcome": "string",
    "ratio": "Float64",
    "ratio_lower": "Float64",
    "ratio_upper": "Float64",
    "p_value": "Float64",
    "n_pairs": "Int64",
    "baseline_median": "Float64",
    "candidate_median": "Float64",
    "interval": "string",
    "count": "Float64",
    "count_of": "Int64",
    "counted": "string",
    "baseline_name": "string",
    "candidate_name": "string",
    "differ_in": "string",
    "workload": "string",
}
"""Columns in their order with pandas' dtype; new ones are only ever added at the end."""

_Written = SampleRow | VerdictRow | AnswerRow | ComparisonRow

_OF_COMPARISONS = {"lower": "ratio_lower", "upper": "ratio_upper"}
"""Bounds of a ratio have columns of their own: those of a median are in the metric's unit."""


def render_csv(run: Run) -> str:
    """All samples, then all verdicts, all answers and all comparisons, under one header."""
    text = io.StringIO(newline="")
    write_rows(_rows(run), text)
    return text.getvalue()


def _rows(run: Run) -> Iterator[list[Any]]:
    yield list(COLUMNS)
    written: tuple[_Written, ...] = (*run.samples, *run.verdicts, *run.answers, *run.comparisons)
    for row in written:
        virtual = row.device in run.virtual_devices
        fields = {
            **_fields(row), "run_id": run.run_id, "at": row.at.isoformat(), "virtual": virtual
        }  # fmt: skip
        yield [fields.get(name) for name in COLUMNS]


def _fields(row: _Written) -> dict[str, Any]:
    fields = row.model_dump()
    if isinstance(row, ComparisonRow):
        return {_OF_COMPARISONS.get(name, name): value for name, value in fields.items()}
    return fields


def read_results(path: Path) -> pd.DataFrame:
    """Read ``results.csv`` with the dtypes of ``COLUMNS``; an empty cell is a missing value.

    Texts are what they were before an apostrophe was put before those that begin like a formula.
    Plain ``pandas.read_csv`` would take an answer ``None`` for a missing one and a column of
    answers ``3``, ``5`` for numbers.
    """
    dtypes = {name: dtype for name, dtype in COLUMNS.items() if not dtype.startswith("datetime")}
    missing = {name: [""] if dtype == "string" else ["", "nan"] for name, dtype in COLUMNS.items()}
    frame = pd.read_csv(path, dtype=dtypes, keep_default_na=False, na_values=missing)
    for name in (name for name, dtype in dtypes.items() if dtype == "string"):
        frame[name] = frame[name].map(plain, na_action="ignore").astype("string")
    return frame.assign(at=pd.to_datetime(frame["at"], format="ISO8601", utc=True))
