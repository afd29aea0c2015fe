"""What a run shows while it works, in upstream's own formats."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.measure.run_stats import RunStats
from harness.runner_log.log import parse_runner_log
from harness.runtime.generation import Turn
from harness.runtime.observer import ConsoleObserver, Shown, inference_speed
from harness.runtime.stopwatch import LoadTimes, Stopwatch

MS = 1_000_000


def make_stopwatch() -> Stopwatch:
    """A turn on a clock of round numbers: load 370 ms, prompt 117 ms, decode 8818 ms."""
    return Stopwatch(
        load=LoadTimes(0, 370 * MS),
        stages_ns={"encode": 40 * MS, "embed": MS, "prefill": 70 * MS},
        sampling_ns=782 * MS,
        execute_ns=8000 * MS,
        start_ns=370 * MS,
        first_token_ns=487 * MS,
        end_ns=9305 * MS,
        wall_offset_ns=1_751_021_368_585 * MS,
    )


def make_stats() -> RunStats:
    return make_stopwatch().stats(prompt_tokens=81, generated_tokens=454, stop_reason="stop_token")


def test_durations_follow_from_the_stamps() -> None:
    stats = make_stats()
    assert (stats.load_ms, stats.ttft_ms, stats.prompt_eval_ms) == (370, 117, 117)
    assert (stats.decode_ms, stats.inference_ms) == (8818, 8935)
    assert (stats.encode_ms, stats.embed_ms, stats.prefill_ms) == (40, 1, 70)
    assert (stats.sampling_ms, stats.execute_ms) == (782, 8000)
    assert stats.peak_rss_mib is not None
    assert stats.peak_rss_mib > 10


def test_the_observer_line_has_upstreams_keys_in_upstreams_order() -> None:
    name, _, text = make_stopwatch().observation(make_stats(), 782).line().partition(" ")
    assert name == "PyTorchObserver"
    assert " " not in text
    assert json.loads(text) == {
        "prefill_token_per_sec": 692.308,
        "decode_token_per_sec": 51.4856,
        "prompt_tokens": 81,
        "generated_tokens": 454,
        "model_load_start_ms": 1751021368585,
        "model_load_end_ms": 1751021368955,
        "inference_start_ms": 1751021368955,
        "inference_end_ms": 1751021377890,
        "model_execution_start_ms": 0,
        "model_execution_end_ms": 0,
        "prompt_eval_end_ms": 1751021369072,
        "first_token_ms": 1751021369072,
        "aggregate_sampling_time_ms": 782,
        "aggregate_model_execution_time_ms": 8000,
        "SCALING_FACTOR_UNITS_PER_SECOND": 1000,
    }
    assert list(json.loads(text))[:3] == [
        "prefill_token_per_sec",
        "decode_token_per_sec",
        "prompt_tokens",
    ]


def test_the_speed_file_holds_six_digits_of_the_end_to_end_rate() -> None:
    assert inference_speed(make_stats()) == "50.8114"
    without_steps = make_stats().model_copy(update={"generated_tokens": 0})
    assert inference_speed(without_steps) == "692.308"


def test_a_streaming_console_writes_the_answer_and_log_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console = ConsoleObserver(Shown(stream=True))
    console.log("Loaded json tokenizer")
    for piece in ("a ", "red", " circle"):
        console.text(piece)
    console.turn_ended(
        Turn(echo="", text="a red circle", token_ids=(1, 2, 3), stats=make_stats()),
        make_stopwatch(),
    )
    out, err = capsys.readouterr()
    assert out.startswith("a red circle\nPyTorchObserver {")
    assert "test_observer.py" in err.splitlines()[0]
    assert err.splitlines()[0].endswith("] Loaded json tokenizer")


def test_what_the_console_prints_is_read_back_as_the_same_statistics(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stats = make_stats()
    turn = Turn(echo="", text="", token_ids=(1,), stats=stats)
    ConsoleObserver().turn_ended(turn, make_stopwatch())
    out, err = capsys.readouterr()
    (reported,) = parse_runner_log(out + err)
    for name in ("prompt_tokens", "generated_tokens", "load_ms", "ttft_ms", "decode_ms"):
        assert getattr(reported.stats, name) == pytest.approx(getattr(stats, name))
    assert reported.stats.execute_ms == 8000


def test_statistics_are_shown_as_upstream_has_them_in_whole_milliseconds_summing_sampling(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopwatch = replace(make_stopwatch(), end_ns=9305 * MS + 700_000, sampling_ns=782_400_000)
    stats = stopwatch.stats(prompt_tokens=81, generated_tokens=454, stop_reason="stop_token")
    console = ConsoleObserver()
    for _ in range(2):
        console.turn_ended(Turn(echo="", text="", token_ids=(1,), stats=stats), stopwatch)
    out, err = capsys.readouterr()
    for text in (out, err):
        first, second = (turn.stats for turn in parse_runner_log(text))
        assert (first.decode_ms, first.inference_ms) == (8818, 8935)
        assert (first.sampling_ms, second.sampling_ms) == (782, 1565)
    assert (stats.decode_ms, stats.sampling_ms) == (8818.7, 782.4)
    assert console.reported is not None
    assert inference_speed(console.reported) == f"{454 * 1000 / 8935:g}"


def test_a_phase_under_a_millisecond_is_shown_as_upstream_shows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopwatch = replace(make_stopwatch(), first_token_ns=370 * MS + 900_000, end_ns=371 * MS - 1)
    stats = stopwatch.stats(prompt_tokens=81, generated_tokens=4, stop_reason="stop_token")
    console = ConsoleObserver()
    console.turn_ended(Turn(echo="", text="", token_ids=(1,), stats=stats), stopwatch)
    out, err = capsys.readouterr()
    assert "_token_per_sec" not in out
    assert err.count("Rate: \t0.000000 (tokens/second)") == 3
    assert console.reported is not None
    assert inference_speed(console.reported) == "inf"
    (turn,) = parse_runner_log(out + err)
    assert turn.rates == {}
