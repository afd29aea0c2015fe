"""Rows keep what was measured, through JSON and back."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.results.rows.schema import AnswerRow, OutcomeRow, SampleRow, VerdictRow, parse_row

TEST_ID = "suites/perf/test_rates.py::test_decode_rate[tiny_smolvlm-kv]"


def a_sample(**fields: object) -> SampleRow:
    defaults = {"test_id": TEST_ID, "metric": "decode_tps", "value": 1.0, "unit": "token/s"}
    return SampleRow.model_validate({**defaults, "run_index": 0, **fields})


def an_answer(**fields: object) -> AnswerRow:
    defaults = {"test_id": TEST_ID, "sample_id": "scene-1", "question": "q", "expected": "e"}
    more = {"given": "g", "correct": False, "question_kind": "count"}
    return AnswerRow.model_validate({**defaults, **more, **fields})


@given(value=st.floats(allow_nan=False), at=st.datetimes(timezones=st.timezones()))
def test_a_sample_reads_back_as_written(value: float, at: datetime) -> None:
    # Years 1 and 9999 leave the calendar when moved to UTC.
    row = a_sample(value=value, at=at.replace(year=2026, day=min(at.day, 28)))
    assert parse_row(row.model_dump_json().encode()) == row


@given(text=st.text(st.characters(codec=None)))
def test_any_text_a_process_prints_can_be_recorded_on_one_line(text: str) -> None:
    row = an_answer(given=text)
    line = row.model_dump_json().encode()
    assert b"\n" not in line
    assert parse_row(line) == row


def test_undecodable_bytes_stay_visible() -> None:
    assert an_answer(given="caf\udce9").given == "caf\\udce9"


def test_times_are_kept_in_utc() -> None:
    noon_in_tokyo = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=9)))
    row = a_sample(at=noon_in_tokyo)
    assert row.at.tzinfo is UTC
    assert '"at":"2026-11-23T03:00:00Z"' in row.model_dump_json()


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        a_sample(at=datetime(2026, 11, 23))


def test_a_row_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        a_sample().value = 2.0  # type: ignore[misc]  # the mistake under test


@pytest.mark.parametrize(
    "line",
    [
        '{"kind": "rumour"}',
        '{"kind": "sample"}',
        a_sample().model_dump_json().replace('"metric"', '"metrics"'),
        a_sample().model_dump_json()[:-1],
        "[]",
    ],
)
def test_a_line_of_another_shape_is_refused(line: str) -> None:
    with pytest.raises(ValidationError):
        parse_row(line.encode())


@pytest.mark.parametrize("name", ["../../etc/passwd", "cat.png", "0123456789abcdef.jpg/.."])
def test_an_image_is_named_by_its_content_and_never_a_path(name: str) -> None:
    with pytest.raises(ValidationError, match="image"):
        an_answer(image=name)


@pytest.mark.parametrize("status", ["pass", "fail", "inconclusive", "no-gate", "blocked"])
def test_every_verdict_can_be_recorded(status: str) -> None:
    verdict = VerdictRow.model_validate(
        {
            "test_id": TEST_ID,
            "metric": "decode_tps",
            "unit": "token/s",
            "status": status,
            "sentence": "s",
            "n_samples": 5,
        }
    )
    assert parse_row(verdict.model_dump_json().encode()) == verdict
    assert f'"status":"{status}"' in verdict.model_dump_json()


def test_a_unit_test_has_an_outcome_but_no_model() -> None:
    row = OutcomeRow(
        test_id="suites/harness/vlm/test_registry.py::test_typo",
        outcome="passed",
        duration_s=0.01,
        rerun_command="pytest suites/harness/vlm/test_registry.py::test_typo",
    )
    assert row.model is None
    assert parse_row(row.model_dump_json().encode()) == row


def test_rows_are_read_without_torch() -> None:
    code = "import harness.results.journal, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
