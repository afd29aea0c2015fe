"""A cell of the HTP matrix is good only if everything about it is."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.htp_lines import MAX_DECODE_CPU_MS, Line, with_times, write_csv
from benchmarks.run_methods import CallTime

DECODER = Line("SM8650", "16a8w", "text_decoder", "tiny_smolvlm", "16a8w", 1000, delegates=1)


def took(decode_cpu_ms: float) -> dict[str, CallTime]:
    return {"kv_forward": CallTime(30.0, decode_cpu_ms), "prefill_forward": CallTime(45.5, 200.0)}


def test_times_are_of_all_methods_and_cpu_time_of_the_decode_step() -> None:
    line = with_times(DECODER, took(27.04))
    assert (line.run_ms, line.kv_forward_cpu_ms) == (75.5, 27.0)
    assert line.is_good


def test_a_decode_step_that_costs_too_much_is_told_with_both_numbers() -> None:
    assert with_times(DECODER, took(MAX_DECODE_CPU_MS)).is_good
    line = with_times(DECODER, took(MAX_DECODE_CPU_MS + 0.1))
    assert not line.is_good
    assert "takes 80.1 ms of CPU, more than 80;" in line.problem


@pytest.mark.parametrize(
    "changes", [{"precision": "fp16"}, {"precision": "16a4w_block"}, {"component": "other"}]
)
def test_only_a_16a8w_decoder_has_that_bound(changes: dict[str, str]) -> None:
    assert with_times(replace(DECODER, **changes), took(163.0)).is_good


def test_a_file_without_a_decode_step_has_no_such_time(tmp_path: Path) -> None:
    encoder = with_times(DECODER, {"forward": CallTime(56.0, 110.0)})
    assert encoder.kv_forward_cpu_ms is None
    write_csv(tmp_path / "matrix.csv", [encoder, with_times(DECODER, took(27.04))])
    with (tmp_path / "matrix.csv").open(newline="") as file:
        assert [row["kv_forward_cpu_ms"] for row in csv.DictReader(file)] == ["", "27.0"]


@pytest.mark.parametrize(
    "changes", [{"delegates": 2}, {"delegates": 0}, {"cpu_ops": "aten.add"}, {"problem": "Why."}]
)
def test_what_is_not_delegated_as_a_whole_or_failed_is_not_good(changes: dict[str, object]) -> None:
    assert DECODER.is_good
    assert not replace(DECODER, **changes).is_good
