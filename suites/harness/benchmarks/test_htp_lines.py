"""A cell of the HTP matrix is good only if everything about it is."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.htp_lines import (
    MAX_DECODE_CPU_MS,
    CellResult,
    with_delegates,
    with_times,
    with_twin,
    write_csv,
)
from benchmarks.run_methods import CallTime
from harness.backends.qnn.delegates import QnnDelegate

COMPILED = CellResult(
    *("SM8650", "16a8w", "text_decoder", "tiny_smolvlm", "16a8w", "emulator"),
    pte_bytes=1000,
    delegates=1,
)
DECODER = replace(COMPILED, run_ms=75.5)
OF_PHONE = replace(COMPILED, target="phone", pte_bytes=600)
SHARING = QnnDelegate(
    method="kv_forward",
    chip_id=57,
    htp_arch=75,
    vtcm_mib=8,
    shares_weights=True,
    shared_buffer=True,
    is_fp16=False,
    context=None,
)


def took(decode_cpu_ms: float) -> dict[str, CallTime]:
    return {"kv_forward": CallTime(30.0, decode_cpu_ms), "prefill_forward": CallTime(45.5, 200.0)}


def test_times_are_of_all_methods_and_cpu_time_of_the_decode_step() -> None:
    line = with_times(COMPILED, took(27.04))
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


@pytest.mark.parametrize("precision", ["8w", "4w"])
def test_of_a_table_for_the_cpu_nothing_is_delegated(precision: str) -> None:
    on_cpu = replace(DECODER, component="token_embedding", precision=precision, delegates=0)
    assert on_cpu.is_good
    assert not replace(on_cpu, delegates=1).is_good
    assert not replace(on_cpu, run_ms=None).is_good


@pytest.mark.parametrize("target", ["emulator", "phone"])
@pytest.mark.parametrize("precision", ["16a8w", "16w", "8w"])
def test_a_cell_that_compiled_nothing_is_not_good(precision: str, target: str) -> None:
    for delegates in (0, 1):
        line = replace(DECODER, precision=precision, target=target, delegates=delegates)
        assert not replace(line, pte_bytes=0).is_good


def test_what_the_emulator_did_not_run_is_not_good_and_a_phones_file_need_not_run() -> None:
    assert not COMPILED.is_good
    assert with_twin(with_delegates(OF_PHONE, [SHARING, SHARING]), DECODER).is_good


@pytest.mark.parametrize("flaw", [{"shares_weights": False}, {"shared_buffer": False}])
def test_a_phones_file_shares_weights_and_buffers_in_every_delegate(flaw: dict[str, bool]) -> None:
    line = with_delegates(OF_PHONE, [SHARING, replace(SHARING, **flaw)])
    assert not line.is_good
    assert "1 of 2 delegates share" in line.problem


def test_a_phones_file_without_delegates_shares_nothing() -> None:
    assert "0 of 0 delegates share" in with_delegates(OF_PHONE, []).problem


@pytest.mark.parametrize("pte_bytes", [1000, 1001])
def test_a_phones_file_is_smaller_than_the_emulators(pte_bytes: int) -> None:
    line = with_twin(replace(OF_PHONE, pte_bytes=pte_bytes), DECODER)
    assert not line.is_good
    assert f"{pte_bytes:,} bytes are not less than the 1,000 of" in line.problem


@pytest.mark.parametrize("twin", [None, replace(DECODER, pte_bytes=0, problem="It failed.")])
def test_without_a_twin_nothing_is_known_of_a_phones_file(twin: CellResult | None) -> None:
    assert not with_twin(OF_PHONE, twin).is_good


def test_why_a_phones_file_did_not_compile_is_not_forgotten() -> None:
    assert with_twin(replace(OF_PHONE, problem="It failed."), DECODER).problem == "It failed."
