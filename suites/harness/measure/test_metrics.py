"""Speed metrics of one turn."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.measure.metrics import METRICS, get_metric, perf_metrics
from harness.measure.run_stats import RunStats

TURN = RunStats(
    prompt_tokens=80,
    generated_tokens=100,
    load_ms=300.0,
    encode_ms=20.0,
    prefill_ms=40.0,
    prompt_eval_ms=64.0,
    ttft_ms=64.0,
    decode_ms=500.0,
    inference_ms=564.0,
    sampling_ms=5.0,
    execute_ms=460.0,
    peak_rss_mib=512.0,
)


def test_rates_divide_counts_by_their_own_stage() -> None:
    metrics = perf_metrics(TURN)
    assert metrics["decode_tps"] == 200.0
    assert metrics["prefill_tps"] == 2000.0
    assert metrics["prompt_eval_tps"] == 1250.0
    assert metrics["e2e_tps"] == pytest.approx(100 / 0.564)
    assert metrics["bookkeeping_ms_per_step"] == pytest.approx(0.4)


def test_bookkeeping_is_per_pass_and_speed_per_token_where_a_pass_yields_several() -> None:
    metrics = perf_metrics(TURN.model_copy(update={"decode_steps": 50}))
    assert metrics["decode_tps"] == 200.0
    assert metrics["bookkeeping_ms_per_step"] == pytest.approx(0.8)


def test_durations_and_memory_are_passed_on() -> None:
    metrics = perf_metrics(TURN)
    assert {name: metrics[name] for name in ("ttft_ms", "encode_ms", "load_ms", "sampling_ms")} == {
        "ttft_ms": 64.0,
        "encode_ms": 20.0,
        "load_ms": 300.0,
        "sampling_ms": 5.0,
    }
    assert metrics["peak_rss_mib"] == 512.0


def test_every_metric_of_a_turn_is_in_the_registry() -> None:
    assert set(perf_metrics(TURN)) <= set(METRICS)
    assert all(METRICS[name].kind == "performance" for name in perf_metrics(TURN))


def test_a_stage_that_was_not_timed_has_no_metric() -> None:
    unstaged = {"encode_ms": None, "prefill_ms": None, "execute_ms": None, "peak_rss_mib": None}
    metrics = perf_metrics(TURN.model_copy(update=unstaged))
    absent = {"encode_ms", "prefill_tps", "bookkeeping_ms_per_step", "peak_rss_mib"}
    assert set(perf_metrics(TURN)) - set(metrics) == absent


def test_a_stage_that_took_0_ms_has_no_rate() -> None:
    instant = {"decode_ms": 0.0, "prompt_eval_ms": 0.0, "inference_ms": 0.0, "prefill_ms": 0.0}
    metrics = perf_metrics(TURN.model_copy(update=instant))
    assert not {"decode_tps", "prompt_eval_tps", "e2e_tps", "prefill_tps"} & set(metrics)


def test_without_decode_steps_upstream_reports_the_prompts_rate() -> None:
    metrics = perf_metrics(TURN.model_copy(update={"generated_tokens": 0}))
    assert metrics["e2e_tps"] == metrics["prompt_eval_tps"] == 1250.0
    assert "decode_tps" not in metrics
    assert "bookkeeping_ms_per_step" not in metrics


def test_an_unknown_metric_is_told_the_nearest_name() -> None:
    with pytest.raises(UserError, match="no metric 'decode_tsp'; did you mean decode_tps"):
        get_metric("decode_tsp")
