"""``results.csv``: every sample, verdict and answer of a run, one row each, for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Literal

from harness.results.rows import AnswerRow, SampleRow, VerdictRow
from reports.run import Run

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
}
"""Columns in their order with pandas' dtype; new ones are only ever added at the end."""


def render_csv(run: Run) -> str:
    """All samples, then all verdicts, then all answers, under one header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    rows: list[SampleRow | VerdictRow | AnswerRow] = [*run.samples, *run.verdicts, *run.answers]
    for row in rows:
        fields = {**row.model_dump(), "run_id": run.run_id, "at": row.at.isoformat()}
        writer.writerow(map(fields.get, COLUMNS))
    return text.getvalue()
