"""Parts of the page: stages, roofline, device state and comparisons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.measure.verdict import Status
from harness.results.rows.schema import ComparisonRow, DeviceStateRow, SampleRow
from reports.comparison_table import comparison_lines
from reports.device_log import find_gauges
from reports.roofline import Roofline
from reports.stages import find_stages
from suites.harness.reports.nights import a_sample, a_verdict
from suites.harness.reports.small_run import SPEED_TEST, subject

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PHONE = {"target": "phone", "soc": "SM8650", "device": "PHONE-A"}


def a_run(index: int, **milliseconds: float) -> list[SampleRow]:
    """Samples of one process that decoded 100 tokens."""
    decode_ms = milliseconds.pop("decode_ms")
    speed = a_sample(100 * 1000 / decode_ms, run_index=index, generated_tokens=100)
    others = [
        a_sample(value, metric=name, unit="ms", run_index=index)
        for name, value in milliseconds.items()
    ]
    return [speed, *others]


def test_stages_follow_each_other_from_load_to_decode() -> None:
    stages = find_stages(a_run(0, load_ms=200, encode_ms=50, ttft_ms=80, decode_ms=1000))
    assert [(stage.stage, round(stage.start_ms), round(stage.end_ms)) for stage in stages] == [
        ("load", 0, 200),
        ("encode", 200, 250),
        ("prefill", 250, 280),
        ("decode", 280, 1280),
    ]


def test_the_run_whose_total_is_the_median_is_shown() -> None:
    runs = [
        sample
        for index, load_ms in enumerate((900.0, 100.0, 300.0))
        for sample in a_run(index, load_ms=load_ms, ttft_ms=80, decode_ms=1000)
    ]
    assert find_stages(runs)[0].end_ms == 300.0


def test_a_run_that_lacks_a_time_has_no_stages() -> None:
    assert find_stages(a_run(0, ttft_ms=80, decode_ms=1000)) == ()


def test_a_run_that_decoded_at_no_speed_has_no_stages() -> None:
    stopped = a_sample(0.0, run_index=0, generated_tokens=0)
    whole = a_run(0, load_ms=200, ttft_ms=80, decode_ms=1000)
    assert find_stages([*whole[1:], stopped]) == ()


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"artifact_key": "b" * 64}, {"a" * 8, "b" * 8}),
        ({"protocol": "upstream"}, {"PHONE-A", "upstream protocol"}),
    ],
)
def test_artifacts_and_protocols_have_bars_of_their_own(
    fields: dict[str, str], names: set[str]
) -> None:
    first, second = (
        [sample.model_copy(update=PHONE | {"artifact_key": "a" * 64}) for sample in run]
        for run in (
            a_run(0, load_ms=200, encode_ms=50, ttft_ms=80, decode_ms=1000),
            a_run(0, load_ms=900, ttft_ms=80, decode_ms=1000),
        )
    )
    stages = find_stages([*first, *(sample.model_copy(update=fields) for sample in second)])
    totals = {stage.run.rpartition(" · ")[2]: stage.end_ms for stage in stages}
    assert set(totals) == names
    assert sorted(totals.values()) == [1280.0, 1980.0]


def test_a_speed_is_a_share_of_what_the_memory_allows() -> None:
    limit = a_sample(5.0, metric="ms_per_token_lower_bound", unit="ms", **PHONE)
    speed = a_verdict(90.0, Status.PASS, **PHONE)
    found = Roofline([limit]).share(speed)
    assert found is not None
    assert (found.share, found.source) == (pytest.approx(0.45), "compiler's traffic")


def test_what_the_compiler_counted_goes_before_what_sizes_let_presume() -> None:
    presumed = a_sample(4.0, metric="ms_per_token_of_weights", unit="ms", **PHONE)
    counted = a_sample(5.0, metric="ms_per_token_lower_bound", unit="ms", **PHONE)
    speed = a_verdict(90.0, Status.PASS, **PHONE)
    found = Roofline([presumed]).share(speed)
    assert found is not None
    assert (found.share, found.source) == (pytest.approx(0.36), "weights and KV cache")
    assert Roofline([counted, presumed]).share(speed) == Roofline([counted]).share(speed)


@pytest.mark.parametrize(
    "fields",
    [
        {"target": "host", "soc": None},
        {"target": "emulator"},
        {"metric": "prefill_tps"},
        {"model": "tiny_internvl3", "artifact_key": "another"},
        {"median": None},
    ],
)
def test_no_share_is_told_where_the_limit_says_nothing(fields: dict[str, Any]) -> None:
    limit = a_sample(5.0, metric="ms_per_token_lower_bound", unit="ms", **PHONE)
    speed = a_verdict(90.0, Status.PASS, **PHONE).model_copy(update=fields)
    assert Roofline([limit]).share(speed) is None


def test_lookahead_is_held_against_what_its_passes_yield() -> None:
    """Two tokens per pass share its traffic; unless they were counted nothing can be said."""
    where = {**PHONE, "mode": "lookahead"}
    limit = a_sample(5.0, metric="ms_per_token_lower_bound", unit="ms", **where)
    steps = a_sample(2.0, metric="tokens_per_step", unit="token", **where)
    speed = a_verdict(180.0, Status.PASS, **where)
    found = Roofline([limit, steps]).share(speed)
    assert found is not None
    assert found.share == pytest.approx(0.45)
    assert Roofline([limit]).share(speed) is None


def a_state(minute: int, before: dict[str, Any], after: dict[str, Any] | None) -> DeviceStateRow:
    row = {
        **subject(SPEED_TEST),
        "run_index": minute,
        "before": before,
        "after": after,
        "at": NOON + timedelta(minutes=minute),
    }
    return DeviceStateRow.model_validate(row)


def test_what_moved_comes_first_and_keeps_its_order() -> None:
    states = [
        a_state(1, {"thermal": 0, "zones": {"npu": 31.5}}, {"thermal": 0, "zones": {"npu": 33.0}}),
        a_state(0, {"thermal": 0, "zones": {"npu": 30.0}}, {"thermal": 0, "zones": {"npu": 31.0}}),
    ]
    moving, constant = find_gauges(states)
    assert (moving.quantity, moving.low, moving.high) == ("zones npu", 30.0, 33.0)
    assert [reading.value for reading in moving.readings] == [30.0, 31.0, 31.5, 33.0]
    assert [reading.phase for reading in moving.readings] == ["before", "after"] * 2
    assert (constant.quantity, constant.moves) == ("thermal", False)


def test_a_state_that_tells_its_time_is_drawn_there() -> None:
    """Not all at the end of its run, where a warm-up would be a jump."""
    early = (NOON - timedelta(seconds=50)).isoformat().replace("+00:00", "Z")
    [gauge] = find_gauges([a_state(0, {"at": early, "battery_c": 30.0}, {"battery_c": 32.0})])
    assert [reading.at for reading in gauge.readings] == [NOON - timedelta(seconds=50), NOON]


def test_words_and_broken_runs_are_no_readings() -> None:
    [gauge] = find_gauges([a_state(0, {"governor": "performance", "mhz": 1800}, None)])
    assert (gauge.quantity, len(gauge.readings)) == ("mhz", 1)


def a_comparison(outcome: str, ratio: float | None) -> ComparisonRow:
    return ComparisonRow.model_validate(
        {
            **subject(SPEED_TEST),
            "baseline_key": "fedcba9876543210",
            "metric": "decode_tps",
            "unit": "token/s",
            "outcome": outcome,
            "ratio": ratio,
            "lower": None if ratio is None else ratio - 0.01,
            "upper": None if ratio is None else ratio + 0.01,
            "n_pairs": 20,
            "sentence": "decode_tps was compared",
        }
    )


def test_comparisons_show_the_slower_ones_first() -> None:
    rows = [a_comparison("same", 1.0), a_comparison("blocked", None), a_comparison("slower", 0.94)]
    slower, blocked, same = comparison_lines(rows)
    assert (slower.change_words, slower.interval) == (
        "\N{MINUS SIGN}6.0 %",
        "\N{MINUS SIGN}7.0 % to \N{MINUS SIGN}5.0 %",
    )
    assert (blocked.change_words, blocked.interval) == ("", "")
    assert same.change_words == "+0.0 %"


def test_a_link_to_a_comparison_outlives_both_artifacts() -> None:
    row = a_comparison("slower", 0.94)
    rebuilt = row.model_copy(update={"artifact_key": "f00d", "baseline_key": "cafe", "ratio": 1.0})
    first, again, other = comparison_lines(
        [row, rebuilt, row.model_copy(update={"device": "another"})]
    )
    assert first.id == again.id != other.id
