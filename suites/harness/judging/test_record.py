"""A verdict becomes a row that can be read without the gate files."""

from __future__ import annotations

import tomllib
from datetime import date

from harness.judging.record import verdict_row
from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.sample import Sample
from harness.measure.verdict import Status, judge
from harness.results.rows.schema import Subject, parse_row

TEST_ID = "suites/perf/test_rates.py::test_decode_rate[tiny_smolvlm-kv]"
CONTEXT = Context(model="tiny_smolvlm", target="host", mode="kv", precision="8da4w")
SUBJECT = Subject(
    test_id=TEST_ID, model="tiny_smolvlm", mode="kv", device="lab-host", artifact_key="cafe"
)
GATE = Gate(
    metric="decode_tps",
    model="tiny_smolvlm",
    target="host",
    min=100,
    confidence="measured",
    source="run 20261120",
    since=date(2026, 11, 20),
)
PROVENANCE = Provenance(source="20261123T101500Z-abcdef", since=date(2026, 11, 23))
SAMPLES = [Sample(value) for value in (140.0, 141.0, 142.0, 143.0, 144.0)]


def test_a_verdict_keeps_its_numbers_and_its_gate() -> None:
    odd = [*SAMPLES, Sample(3.0, invalid_reason="thermal status rose")]
    verdict = judge(odd, GATE, "decode_tps", CONTEXT, provenance=PROVENANCE)
    row = verdict_row(verdict, SUBJECT)
    assert (row.status, row.median, row.n_samples) == (Status.PASS, 142.0, 5)
    assert (row.lower, row.upper, row.unit) == (verdict.lower, verdict.upper, "token/s")
    assert (row.gate_min, row.gate_max, row.gate_since) == (100, None, date(2026, 11, 20))
    assert (row.model, row.mode, row.device, row.artifact_key) == (
        "tiny_smolvlm",
        "kv",
        "lab-host",
        "cafe",
    )
    assert row.proposed_gate is None
    assert parse_row(row.model_dump_json().encode()) == row


def test_a_verdict_without_gate_brings_the_row_to_add() -> None:
    verdict = judge(SAMPLES, None, "decode_tps", CONTEXT, provenance=PROVENANCE)
    row = verdict_row(verdict, SUBJECT)
    assert row.status is Status.NO_GATE
    assert row.proposed_gate is not None
    [proposed] = tomllib.loads(row.proposed_gate)["gate"]
    assert proposed["metric"] == "decode_tps"
    assert proposed["min"] < 140
