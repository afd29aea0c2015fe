"""What runners print, read back as statistics."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.measure.metrics import perf_metrics
from harness.measure.run_stats import RunStats
from harness.runner_log.log import parse_runner_log

DATA = Path(__file__).parent / "data"
SMOLVLM_LOG = (DATA / "smolvlm_500m_hybrid.log").read_text()
INTERNVL3_LOG = (DATA / "internvl3_1b_hybrid.log").read_text()


def stats_of(prompt: int, steps: int, **durations_ms: int) -> RunStats:
    defaults = dict.fromkeys(("load", "prompt_eval", "ttft", "decode", "sampling"), 10)
    ms = {**defaults, **durations_ms}
    return RunStats(
        prompt_tokens=prompt,
        generated_tokens=steps,
        load_ms=ms["load"],
        prompt_eval_ms=ms["prompt_eval"],
        ttft_ms=ms["ttft"],
        decode_ms=ms["decode"],
        inference_ms=ms["prompt_eval"] + ms["decode"],
        sampling_ms=ms["sampling"],
    )


def c_rate(count: int, duration_ms: float) -> str:
    """A rate as C++ divides and prints it: 0 ms yields inf, 0 of 0 nan."""
    if duration_ms:
        return f"{count / duration_ms * 1000:f}"
    return "inf" if count else "-nan"


def block(stats: RunStats, prefix: str = "I 00:00:01.000000 executorch:stats.h:143] ") -> str:
    """The statistics block as upstream's ``print_report`` logs it, tabs included."""
    prompt, steps = stats.prompt_tokens, stats.generated_tokens
    lines = (
        f"\tPrompt Tokens: {prompt}    Generated Tokens: {steps}",
        f"\tModel Load Time:\t\t{stats.load_ms / 1000:f} (seconds)",
        f"\tTotal inference time:\t\t{stats.inference_ms / 1000:f} (seconds)\t\t Rate: "
        f"\t{c_rate(steps, stats.inference_ms)} (tokens/second)",
        f"\t\tPrompt evaluation:\t{stats.prompt_eval_ms / 1000:f} (seconds)\t\t Rate: "
        f"\t{c_rate(prompt, stats.prompt_eval_ms)} (tokens/second)",
        f"\t\tGenerated {steps} tokens:\t{stats.decode_ms / 1000:f} (seconds)\t\t Rate: "
        f"\t{c_rate(steps, stats.decode_ms)} (tokens/second)",
        f"\tTime to first generated token:\t{stats.ttft_ms / 1000:f} (seconds)",
        f"\tSampling time over {prompt + steps} tokens:\t{stats.sampling_ms / 1000:f} (seconds)",
    )
    return "".join(f"{prefix}{line}\n" for line in lines)


def observer(stats: RunStats, with_rates: bool = True, **changes: Any) -> str:
    """The ``PyTorchObserver`` line; builds up to 2025 lack the two rates."""
    start = 1_749_836_596_056
    rates = {
        "prefill_token_per_sec": (stats.prompt_tokens, stats.prompt_eval_ms),
        "decode_token_per_sec": (stats.generated_tokens, stats.decode_ms),
    }
    values = {
        **{k: float(c_rate(*v)) for k, v in rates.items() if with_rates and v[1]},
        "prompt_tokens": stats.prompt_tokens,
        "generated_tokens": stats.generated_tokens,
        "model_load_start_ms": start - stats.load_ms,
        "model_load_end_ms": start,
        "inference_start_ms": start,
        "inference_end_ms": start + stats.inference_ms,
        "model_execution_start_ms": 0,
        "model_execution_end_ms": 0,
        "prompt_eval_end_ms": start + stats.prompt_eval_ms,
        "first_token_ms": start + stats.ttft_ms,
        "aggregate_sampling_time_ms": stats.sampling_ms,
        "aggregate_model_execution_time_ms": 0,
        "SCALING_FACTOR_UNITS_PER_SECOND": 1000,
    }
    return f"PyTorchObserver {json.dumps({**values, **changes}, separators=(',', ':'))}\n"


durations = st.integers(0, 10**7)
run_stats = st.builds(
    stats_of,
    st.integers(1, 4096),
    st.integers(0, 4096),
    load=durations,
    prompt_eval=durations,
    ttft=durations,
    decode=durations,
    sampling=durations,
)
prefixes = st.sampled_from(
    [
        "",
        "I 00:00:03.613413 executorch:stats.h:143] ",
        "06-01 12:00:00.123  4242  4243 I ExecuTorch: ",
        "I/ExecuTorch( 4242): ",
    ]
)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            SMOLVLM_LOG,
            {
                "decode_tps": 51.485598,
                "e2e_tps": 50.811416,
                "prompt_eval_tps": 692.307692,
                "ttft_ms": 117.0,
                "load_ms": 370.0,
                "sampling_ms": 782.0,
                "peak_rss_mib": 419.035156,
            },
        ),
        (
            INTERNVL3_LOG,
            {
                "decode_tps": 75.015893,
                "e2e_tps": 66.666667,
                "prompt_eval_tps": 1380.710660,
                "ttft_ms": 197.0,
                "load_ms": 761.0,
                "sampling_ms": 97.0,
                "peak_rss_mib": 612.617188,
            },
        ),
    ],
    ids=["smolvlm", "internvl3"],
)
def test_stored_device_logs_yield_the_metrics_that_they_print(
    log: str, expected: dict[str, float]
) -> None:
    (turn,) = parse_runner_log(log)
    metrics = perf_metrics(turn.stats)
    assert metrics == pytest.approx(expected)
    assert turn.rates == pytest.approx({name: metrics[name] for name in turn.rates})


@given(run_stats, prefixes, st.booleans(), st.booleans())
def test_a_report_reads_back_whatever_its_numbers_and_spacing(
    stats: RunStats, prefix: str, tabs: bool, with_rates: bool
) -> None:
    logged = block(stats, prefix)
    if not tabs:
        logged = re.sub(r"[ \t]+", " ", logged)
    (turn,) = parse_runner_log(observer(stats, with_rates) + logged)
    assert turn.stats.model_dump() == pytest.approx(stats.model_dump())


@given(run_stats, st.booleans())
def test_the_observer_line_alone_tells_as_much_as_the_block(
    stats: RunStats, with_rates: bool
) -> None:
    (observed,) = parse_runner_log(observer(stats, with_rates))
    (logged,) = parse_runner_log(block(stats))
    assert observed.stats.model_dump() == pytest.approx(logged.stats.model_dump())


def test_printed_rates_are_kept_by_metric_name() -> None:
    stats = stats_of(80, 100, prompt_eval=40, decode=500)
    (turn,) = parse_runner_log(observer(stats))
    assert turn.rates == pytest.approx({"prompt_eval_tps": 2000.0, "decode_tps": 200.0})


def test_rates_over_0_ms_are_left_out() -> None:
    (turn,) = parse_runner_log(block(stats_of(80, 0, decode=0, prompt_eval=40)))
    assert set(turn.rates) == {"e2e_tps", "prompt_eval_tps"}


def test_the_observer_may_follow_an_answer_without_a_newline() -> None:
    (turn,) = parse_runner_log("a red circle" + observer(stats_of(80, 100)))
    assert turn.stats.prompt_tokens == 80


def test_ticks_of_another_length_are_scaled() -> None:
    ticks = observer(stats_of(80, 100, ttft=64), SCALING_FACTOR_UNITS_PER_SECOND=1_000_000)
    (turn,) = parse_runner_log(ticks)
    assert turn.stats.ttft_ms == pytest.approx(0.064)


def test_execution_time_is_told_only_by_runners_that_measure_it() -> None:
    stats = stats_of(80, 100)
    (measuring,) = parse_runner_log(
        observer(stats, aggregate_model_execution_time_ms=9) + block(stats)
    )
    (upstream,) = parse_runner_log(observer(stats) + block(stats))
    assert (measuring.stats.execute_ms, upstream.stats.execute_ms) == (9.0, None)


def logged(seconds: float, message: str) -> str:
    return f"I 00:01:{seconds:09.6f} executorch:multimodal_runner.cpp:1] {message}\n"


STAGED = (
    logged(1.0, "Encoding tensor with numel: 786432")
    + logged(1.0205, "Encoder execution completed, got hidden states")
    + logged(1.03, "Encoding tensor with numel: 786432")
    + logged(1.05, "Encoder execution completed, got hidden states")
    + logged(1.06, "Prompt Processor: total 80 prompt tokens (AR-16 * 5 iters)")
    + logged(1.1, "RSS after prompt prefill: 400.000000 MiB (0 if unsupported)")
)


def test_stages_are_timed_by_the_stamps_around_them() -> None:
    (turn,) = parse_runner_log(STAGED + block(stats_of(80, 100)))
    assert turn.stats.encode_ms == pytest.approx(40.5)
    assert turn.stats.prefill_ms == pytest.approx(40.0)
    assert perf_metrics(turn.stats)["prefill_tps"] == pytest.approx(2000.0)


def test_a_stage_without_stamps_or_end_is_not_timed() -> None:
    unstamped = re.sub(r"^I .*?\] ", "I/ExecuTorch( 42): ", STAGED, flags=re.MULTILINE)
    endless = STAGED.replace("RSS after prompt prefill", "").replace("Encoder execution", "", 1)
    for text in (unstamped, endless):
        (turn,) = parse_runner_log(text + block(stats_of(80, 100)))
        assert (turn.stats.encode_ms, turn.stats.prefill_ms) == (None, None)


def test_lookahead_tells_its_passes_and_other_modes_do_not() -> None:
    line = logged(2, "Lookahead Decoding: n_generated = 100 / n_accept = 58")
    (turn,) = parse_runner_log(line + block(stats_of(80, 100)))
    assert turn.stats.decode_steps == 42
    (turn,) = parse_runner_log(block(stats_of(80, 100)))
    assert turn.stats.decode_steps is None


@pytest.mark.parametrize(("printed", "peak"), [("419.035156", 419.035156), ("0.000000", None)])
def test_a_peak_rss_of_0_means_unsupported(printed: str, peak: float | None) -> None:
    line = logged(2, f"RSS after finishing text generation: {printed} MiB (0 if unsupported)")
    (turn,) = parse_runner_log(line + block(stats_of(80, 100)))
    assert turn.stats.peak_rss_mib == peak


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("\nReached to the end of generation", "stop_token"),
        ("Warning: Generation stopped at seq_len limit (128) without reaching EOS", "length"),
        ("Sequence length (128 tokens) reached!", "length"),
        ("\nReached to the maximum sequence length", "length"),
        ("RSS after prompt prefill: 1.0 MiB", "unknown"),
    ],
)
def test_the_messages_tell_why_generation_stopped(message: str, reason: str) -> None:
    (turn,) = parse_runner_log(logged(2, message) + block(stats_of(80, 100)))
    assert turn.stats.stop_reason == reason


def test_each_turn_is_read_with_its_own_surroundings() -> None:
    first, second = stats_of(80, 10), stats_of(40, 20)
    stderr = (
        logged(1, "\nReached to the end of generation")
        + block(first)
        + logged(2, "Warning: Generation stopped at seq_len limit (128) without EOS")
        + block(second)
    )
    turns = parse_runner_log(stderr + observer(first) + observer(second))
    assert [turn.stats.generated_tokens for turn in turns] == [10, 20]
    assert [turn.stats.stop_reason for turn in turns] == ["stop_token", "length"]


def without_line(text: str, word: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if word not in line)


GOOD = observer(stats_of(80, 100)) + block(stats_of(80, 100))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no statistics in 0 lines"),
        ("loading\nF assert failed\n", "no statistics in 2 lines.*'F assert failed'"),
        (without_line(GOOD, "Model Load Time"), "6 of 7 lines and lacks Model Load Time"),
        (without_line(GOOD, "Prompt Tokens"), "6 of 7 lines and lacks token counts"),
        (GOOD[: GOOD.index("Time to first")], "5 of 7 lines and lacks Time to first.*, Sampling"),
        (GOOD.replace("Load Time:\t\t0.0", "Load Time:\t\tx"), "Line 3 .* is cut or damaged"),
        (GOOD[:-12], "Line 8 .*'Sampling time', is cut or damaged"),
        (GOOD.replace('"prompt_tokens":80,', ""), "line 1 .*lacks prompt_tokens"),
        (GOOD.replace('"prompt_tokens":80,', '"prompt_tokens":"x",'), "prompt_tokens = 'x'"),
        (GOOD.replace('SECOND":1000', 'SECOND":0'), "UNITS_PER_SECOND = 0"),
        (GOOD.replace('SECOND":1000', 'SECOND":1e-320'), "UNITS_PER_SECOND = 1e-320"),
        (GOOD.replace('"prompt_tokens":80,', '"prompt_tokens":' + "9" * 30 + ","), "not a count"),
        (GOOD.replace('"prompt_tokens":80,', '"prompt_tokens":' + "9" * 5000 + ","), "is damaged"),
        (GOOD.replace('"prompt_tokens":80,', '"prompt_tokens":' + "[" * 100_000), "is damaged"),
        (GOOD.replace('"first_token_ms":', '"first_token_ms":NaN,"x":'), "first_token_ms = nan"),
        (GOOD.replace('"first_token_ms":', '"first_token_ms":1e999,"x":'), "first_token_ms = inf"),
        (
            GOOD.replace('SECOND":', 'SECOND":1000,"decode_token_per_sec":[],"x":'),
            r"per_sec = \[\]",
        ),
        (
            GOOD.replace("Load Time:\t\t0.0", "Load Time:\t\t" + "9" * 400 + ".0"),
            "Line 3 .*damaged",
        ),
        (GOOD.replace("1000}", ""), "line 1 .* cut or damaged at character"),
        (GOOD + observer(stats_of(1, 1)), "1 statistics blocks but 2 PyTorchObserver lines"),
        (observer(stats_of(81, 100)) + block(stats_of(80, 100)), r"\(80, 100\) .*\(81, 100\)"),
        (observer(stats_of(80, 100, decode=-5)), "decode_ms = -5 ms .* clock was set back"),
        (block(stats_of(80, 100, ttft=-5)), "ttft_ms = -5 ms .* clock was set back"),
        (
            logged(1, "RSS after finishing text generation: 41") + GOOD,
            "Line 1 .* peak RSS, is cut or damaged",
        ),
    ],
)
def test_a_damaged_report_is_told_by_line_and_fact(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_runner_log(text)


@given(st.integers(1, len(GOOD) - 1))
def test_a_log_cut_anywhere_never_yields_other_numbers(length: int) -> None:
    try:
        (turn,) = parse_runner_log(GOOD[:length])
    except UserError:
        return
    assert turn.stats == parse_runner_log(GOOD)[0].stats
