"""Rows of a run as a session of the suites leaves it, small but with every kind of row."""

from __future__ import annotations

from datetime import date

from harness.measure.verdict import Status
from harness.results.provenance import describe_host
from harness.results.rows.schema import (
    AnswerRow,
    OutcomeRow,
    SampleRow,
    SessionRow,
    Subject,
    VerdictRow,
)

RUN_ID = "20261123T021503Z-4f1c9a"
SPEED_TEST = "suites/perf/test_rates.py::test_decode_rate[tiny_smolvlm-kv]"
LOAD_TEST = "suites/perf/test_rates.py::test_load_time[tiny_smolvlm-kv]"
ANSWER_TEST = "suites/accuracy/test_answers.py::test_exact_match[tiny_smolvlm-kv]"
BROKEN_TEST = "suites/robustness/test_kill.py::test_killed_runner[tiny_smolvlm]"
PROPOSED_GATE = '[[gate]]\nmetric = "load_ms"\ntarget = "host"\nmax = 230\n'


def subject(test_id: str, mode: str = "kv") -> dict[str, object]:
    row = Subject.model_validate(
        {
            "test_id": test_id,
            "model": "tiny_smolvlm",
            "target": "host",
            "device": "builder-03",
            "mode": mode,
            "precision": "8da4w",
            "protocol": "snapgate",
            # All digits: a table reader must not take it for a number.
            "artifact_key": "012345678901",
        }
    )
    return row.model_dump()


def session_row() -> SessionRow:
    return SessionRow(
        run_id=RUN_ID,
        argv=("/usr/bin/pytest", "-m", "perf or accuracy", "--target", "host"),
        options={"target": "host", "model": ["tiny_smolvlm"], "precision": None},
        versions={"python": "3.11.7", "torch": "2.13.0"},
        host=describe_host(),
        git_commit="0123456789abcdef0123456789abcdef01234567-dirty",
        worker="main",
    )


def sample_rows() -> list[SampleRow]:
    values = [118.25, 96.0, 97.5, 95.0, 96.5, 97.0]
    return [
        SampleRow.model_validate(
            {
                **subject(SPEED_TEST),
                "metric": "decode_tps",
                "value": value,
                "unit": "token/s",
                "run_index": index,
                "valid": index > 0,
                "invalid_reason": None if index else "121 tokens generated, 128 asked for",
                "generated_tokens": 128 if index else 121,
            }
        )
        for index, value in enumerate(values)
    ]


def verdict_rows() -> list[VerdictRow]:
    failing = {
        **subject(SPEED_TEST),
        "metric": "decode_tps",
        "unit": "token/s",
        "status": Status.FAIL,
        "sentence": "decode_tps of tiny_smolvlm is 96.5 (95 % sure <= 97.5), gate >= 100: fail",
        "median": 96.5,
        "lower": 95.0,
        "upper": 97.5,
        "n_samples": 5,
        "gate_min": 100.0,
        "gate_source": "https://example.org/measurement",
        "gate_confidence": "measured",
        "gate_since": date(2026, 11, 18),
    }
    ungated = {
        **subject(LOAD_TEST),
        "metric": "load_ms",
        "unit": "ms",
        "status": Status.NO_GATE,
        "sentence": "load_ms of tiny_smolvlm has no gate; add to thresholds:\n\n[[gate]]",
        "median": 212.0,
        "n_samples": 1,
        "proposed_gate": PROPOSED_GATE,
    }
    return [VerdictRow.model_validate(row) for row in (ungated, failing)]


def answer_row(**fields: object) -> AnswerRow:
    defaults = {
        "sample_id": "scene-1",
        "question": "<image>What colour is the circle?",
        "expected": "red",
        "reference": "red",
        "given": "red",
        "correct": True,
        "question_kind": "colour",
    }
    mode = str(fields.pop("mode", "kv"))
    return AnswerRow.model_validate({**subject(ANSWER_TEST, mode), **defaults, **fields})


def outcome_rows() -> list[OutcomeRow]:
    def row(test_id: str, **fields: object) -> OutcomeRow:
        command = f"pytest '{test_id}' --target host"
        more = {"test_id": test_id, "duration_s": 1.5, "rerun_command": command}
        return OutcomeRow.model_validate({**more, **fields})

    crash = "    assert not output\n\x1b[31mE   AssertionError: left behind\x1b[0m\n\x00"
    return [
        row(SPEED_TEST, outcome="failed", status=Status.FAIL, message="96.5 is below 100"),
        row(LOAD_TEST, outcome="skipped", status=Status.NO_GATE, message="load_ms has no gate"),
        row(ANSWER_TEST, outcome="passed", status=Status.PASS),
        row(BROKEN_TEST, outcome="error", message=crash),
    ]
