"""Whatever a runner of ours writes, the reader reads: each line has one definition for both."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.run_stats import RunStats, StopReason
from harness.runner_log import messages
from harness.runner_log.line import Line, log_line, read_log_line
from harness.runner_log.log import parse_runner_log
from harness.runner_log.observer_line import Observation, parse_observer
from harness.runner_log.statistics_block import block_lines
from harness.runtime.stopwatch import LoadTimes, Stopwatch
from suites.harness.runner_log.test_log import run_stats, stats_of

counts = st.integers(0, 10**9)
sizes_mib = st.floats(0, 10**6)
elapsed_us = st.integers(0, 359_999_999_999)

NUMBERED = {
    messages.ENCODE_BEGINS: {"numel": counts},
    messages.PREFILL_BEGINS: {"tokens": counts, "ar": counts, "passes": counts},
    messages.PREFILL_ENDS: {"rss_mib": sizes_mib},
    messages.LOOKAHEAD: {"generated": counts, "accepted": counts},
    messages.CAP: {"seq_len": counts},
    messages.TURN_ENDS: {"rss_mib": sizes_mib},
}
PLAIN = (messages.ENCODE_ENDS, messages.STOP_TOKEN, messages.FULL_CACHE)


def logged(message: str, elapsed_us: int = 1) -> str:
    return log_line(elapsed_us, "runner.cpp:1", message)


@pytest.mark.parametrize("line", NUMBERED, ids=lambda line: line.label)
@given(data=st.data())
def test_numbers_of_a_message_come_back(line: Line, data: st.DataObject) -> None:
    values = {name: data.draw(numbers) for name, numbers in NUMBERED[line].items()}
    message = read_log_line(1, logged(line.write(**values))).message
    assert line.begins(message)
    assert line.read(message) == pytest.approx(values, abs=1e-6)


@pytest.mark.parametrize("line", PLAIN, ids=lambda line: line.label)
def test_a_message_without_numbers_is_recognized(line: Line) -> None:
    *_, last = logged(line.write()).splitlines()
    assert line.read(read_log_line(1, last).message) == {}


def test_no_message_is_taken_for_another() -> None:
    written = {
        line: line.write(**dict.fromkeys(numbers, 1)).lstrip()
        for line, numbers in {**NUMBERED, **{one: {} for one in PLAIN}}.items()
    }
    for line in written:
        assert [one for one, text in written.items() if line.begins(text)] == [line]


@given(data=st.data())
def test_a_message_cut_anywhere_yields_no_numbers(data: st.DataObject) -> None:
    whole = messages.PREFILL_BEGINS.write(tokens=80, ar=16, passes=5)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert messages.PREFILL_BEGINS.read(cut) is None


@given(message=st.text(max_size=400), elapsed_us=st.integers(0, 10**11))
def test_messages_are_cut_at_255_bytes_without_breaking_a_character(
    message: str, elapsed_us: int
) -> None:
    line = logged(message, elapsed_us)
    cut = line.partition("] ")[2]
    encodable = message.encode(errors="ignore").decode()
    assert encodable.startswith(cut)
    assert len(cut.encode()) == len(encodable.encode()) or 251 < len(cut.encode()) <= 255


def test_log_lines_carry_the_time_since_start() -> None:
    line = log_line(3_723_000_456, "multimodal_runner.cpp:646", "hello")
    assert line == "I 01:02:03.000456 executorch:multimodal_runner.cpp:646] hello"


@given(message=st.from_regex(r"[A-Za-z0-9][ -~]{0,200}", fullmatch=True), elapsed_us=elapsed_us)
def test_stamp_and_message_of_a_log_line_come_back(message: str, elapsed_us: int) -> None:
    read = read_log_line(7, logged(message, elapsed_us))
    assert (read.number, read.message) == (7, message)
    assert read.stamp_ms == pytest.approx(elapsed_us / 1000, abs=1e-3)


def test_the_statistics_block_is_upstreams_with_its_tabs() -> None:
    stats = stats_of(81, 454, load=370, prompt_eval=117, ttft=117, decode=8818, sampling=782)
    assert block_lines(stats) == [
        "\tPrompt Tokens: 81    Generated Tokens: 454",
        "\tModel Load Time:\t\t0.370000 (seconds)",
        "\tTotal inference time:\t\t8.935000 (seconds)\t\t Rate: \t50.811416 (tokens/second)",
        "\t\tPrompt evaluation:\t0.117000 (seconds)\t\t Rate: \t692.307692 (tokens/second)",
        "\t\tGenerated 454 tokens:\t8.818000 (seconds)\t\t Rate: \t51.485598 (tokens/second)",
        "\tTime to first generated token:\t0.117000 (seconds)",
        "\tSampling time over 535 tokens:\t0.782000 (seconds)",
    ]


@given(run_stats)
def test_a_block_comes_back_as_the_same_statistics(stats: RunStats) -> None:
    (turn,) = parse_runner_log("\n".join(map(logged, block_lines(stats))))
    assert turn.stats.model_dump() == pytest.approx(stats.model_dump())


stamps = st.integers(0, 10**13)
rates = st.none() | st.floats(0, 10**6)


@given(
    st.builds(
        Observation,
        prefill_token_per_sec=rates,
        decode_token_per_sec=rates,
        prompt_tokens=counts,
        generated_tokens=counts,
        model_load_start_ms=st.just(0),
        model_load_end_ms=stamps,
        inference_start_ms=st.just(0),
        inference_end_ms=st.integers(10**13, 10**14),
        prompt_eval_end_ms=stamps,
        first_token_ms=stamps,
        aggregate_sampling_time_ms=stamps,
        aggregate_model_execution_time_ms=stamps,
        SCALING_FACTOR_UNITS_PER_SECOND=st.sampled_from([1000, 1_000_000]),
    )
)
def test_an_observer_line_comes_back(told: Observation) -> None:
    turn = parse_observer(told.line(), 3)
    to_ms = 1000 / told.SCALING_FACTOR_UNITS_PER_SECOND
    assert (turn.stats.prompt_tokens, turn.stats.generated_tokens, turn.line) == (
        told.prompt_tokens,
        told.generated_tokens,
        3,
    )
    assert turn.stats.load_ms == told.model_load_end_ms * to_ms
    assert turn.stats.ttft_ms == told.first_token_ms * to_ms
    assert turn.stats.decode_ms == (told.inference_end_ms - told.prompt_eval_end_ms) * to_ms
    assert turn.stats.execute_ms == (told.aggregate_model_execution_time_ms * to_ms or None)
    assert turn.rates.get("decode_tps") == told.decode_token_per_sec
    assert turn.rates.get("prompt_eval_tps") == told.prefill_token_per_sec


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (messages.STOP_TOKEN.write(), "stop_token"),
        (messages.CAP.write(seq_len=128), "length"),
        (messages.FULL_CACHE.write(), "length"),
    ],
)
def test_a_whole_turn_comes_back(end: str, reason: StopReason) -> None:
    ms = 1_000_000
    stages = {"encode": 40 * ms, "embed": ms, "prefill": 70 * ms}
    stopwatch = Stopwatch(LoadTimes(0, 370 * ms), stages, 9 * ms, 800 * ms, 42)  # type: ignore[arg-type]
    stopwatch.start_ns, stopwatch.first_token_ns, stopwatch.end_ns = 400 * ms, 517 * ms, 1400 * ms
    stats = stopwatch.stats(81, 100, reason)
    spoken = (
        (0, messages.ENCODE_BEGINS.write(numel=786432)),
        (40_000, messages.ENCODE_ENDS.write()),
        (41_000, messages.PREFILL_BEGINS.write(tokens=81, ar=16, passes=6)),
        (111_000, messages.PREFILL_ENDS.write(rss_mib=stats.peak_rss_mib or 0)),
        (900_000, messages.LOOKAHEAD.write(generated=100, accepted=58)),
        (900_000, end),
        (900_000, messages.TURN_ENDS.write(rss_mib=stats.peak_rss_mib or 0)),
        *((900_000, line) for line in block_lines(stats)),
    )
    stderr = "\n".join(logged(message, elapsed_us) for elapsed_us, message in spoken)
    (turn,) = parse_runner_log(f"a red circle\n{stopwatch.observation(stats, 9).line()}\n{stderr}")
    told = {name: value for name, value in stats.model_dump().items() if name != "embed_ms"}
    assert turn.stats.model_dump(exclude={"embed_ms"}) == pytest.approx(told)


def test_what_a_log_viewer_does_to_tabs_costs_no_number() -> None:
    stats = stats_of(81, 454, decode=8818)
    shown = re.sub(r"[ \t]+", " ", "\n".join(map(logged, block_lines(stats))))
    (turn,) = parse_runner_log(shown)
    assert turn.stats.decode_ms == pytest.approx(8818)
