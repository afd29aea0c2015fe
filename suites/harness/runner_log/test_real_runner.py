"""What upstream's own runner printed on this machine's emulator, and what its generations print.

``data/x86_*.log`` are standard output, then standard error, of ``qnn_multimodal_runner`` built
unpatched from pytorch/executorch cff6f4dd for x86_64, without most of QNN's lines.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.measure.metrics import perf_metrics
from harness.runner_log.log import parse_runner_log
from suites.harness.runner_log.test_log import block, logged, observer, stats_of

DATA = Path(__file__).parent / "data"

Metrics = dict[str, float]


def told(name: str) -> str:
    return (DATA / f"x86_{name}.log").read_text()


def metrics(
    decode: float,
    e2e: float,
    prompt_eval: float,
    ttft_ms: float,
    load_ms: float,
    peak_mib: float,
    stages_ms: tuple[float | None, float],
    prompt_tokens: int,
) -> Metrics:
    encode_ms, prefill_ms = stages_ms
    return {
        "decode_tps": decode,
        "e2e_tps": e2e,
        "prompt_eval_tps": prompt_eval,
        "prefill_tps": prompt_tokens * 1000 / prefill_ms,
        "ttft_ms": ttft_ms,
        "load_ms": load_ms,
        "sampling_ms": 0,
        "peak_rss_mib": peak_mib,
        **({} if encode_ms is None else {"encode_ms": encode_ms}),
    }


EXPECTED = {
    "q0": [
        metrics(28.735632, 13.227513, 156.862745, 204, 64, 119.796875, (89.849, 111.841), 32),
    ],
    "threeimg2turn": [
        metrics(17.123288, 8.532423, 108.843537, 294, 155, 119.921875, (136.019, 153.534), 32),
        metrics(5.307051, 4.335708, 86.294416, 591, 155, 120.171875, (265.304, 317.545), 51),
    ],
    "threeturn": [
        metrics(24.509804, 11.764706, 144.79638, 221, 109, 119.914062, (107.472, 112.033), 32),
        metrics(22.321429, 17.391304, 165.354331, 127, 109, 119.914062, (None, 123.191), 21),
        metrics(21.806854, 19.886364, 209.677419, 62, 109, 119.914062, (None, 60.392), 13),
    ],
    "failed_second_turn_too_long": [
        metrics(15.10574, 9.823183, 179.775281, 178, 116, 119.902344, (78.199, 97.989), 32),
    ],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_metric_of_every_complete_turn_is_read(name: str) -> None:
    turns = parse_runner_log(told(name))
    measured = [perf_metrics(turn.stats) for turn in turns]
    assert measured == [pytest.approx(one, rel=1e-6) for one in EXPECTED[name]]
    for turn, one in zip(turns, measured, strict=True):
        assert turn.rates == pytest.approx({name: one[name] for name in turn.rates}, rel=1e-6)
        assert len(turn.rates) == 3
        assert turn.stats.stop_reason == "stop_token"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_model_execution_time_of_0_is_no_measurement(name: str) -> None:
    for turn in parse_runner_log(told(name)):
        assert turn.stats.execute_ms is None
        assert "bookkeeping_ms_per_step" not in perf_metrics(turn.stats)


@pytest.mark.parametrize("name", ["q0", "threeimg2turn", "threeturn"])
def test_either_stream_alone_tells_each_turn(name: str) -> None:
    both = parse_runner_log(told(name))
    stdout, stderr = told(name).split("I tokenizers:")
    for stream in (stdout, f"I tokenizers:{stderr}"):
        alone = parse_runner_log(stream)
        assert [one.stats.ttft_ms for one in alone] == [one.stats.ttft_ms for one in both]
        assert [one.stats.decode_ms for one in alone] == [one.stats.decode_ms for one in both]


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("failed_mismatch", r"tokens \(1\) does not match number of images \(2\)"),
        ("failed_no_image_path", "For VLM, please specify image path."),
        ("failed_raw_short", "file bytes: 100, expected bytes: 49152"),
        ("failed_too_long_ctx", "sequence length exceeded"),
    ],
)
def test_a_run_that_answered_nothing_is_told_by_its_last_line(name: str, fact: str) -> None:
    with pytest.raises(UserError, match=f"no statistics in .*{fact}"):
        parse_runner_log(told(name))


def test_a_message_that_was_cut_at_255_bytes_hides_nothing_behind_it() -> None:
    long = told("failed_too_long_ctx")
    cut = [line for line in long.splitlines() if re.search("Turn-0|Prompt after", line)]
    assert [len(line.partition("] ")[2].encode()) for line in cut] == [255, 255]
    (turn,) = parse_runner_log(long + block(stats_of(446, 7)))
    assert turn.stats.encode_ms == pytest.approx(72.106)


@pytest.mark.parametrize("turns", [1, 9, 17, 40])
@pytest.mark.parametrize("block_bytes", [1024, 4096])
def test_statistics_that_a_full_buffer_cut_in_two_are_one_again(
    turns: int, block_bytes: int
) -> None:
    """As ``> log 2>&1`` leaves them: standard output in blocks, standard error line by line."""
    log, waiting = "", ""
    for turn in range(turns):
        waiting += "\n" + observer(stats_of(11, turn + 1))
        while len(waiting) >= block_bytes:
            log, waiting = log + waiting[:block_bytes], waiting[block_bytes:]
        log += block(stats_of(11, turn + 1))
    log += "[INFO] [Qnn ExecuTorch]: Destroy Qnn context\n" + waiting
    read = parse_runner_log(log)
    assert [turn.stats.generated_tokens for turn in read] == [*range(1, turns + 1)]
    assert all(turn.rates for turn in read)


BEGINS = "Prompt after expanding image token: and now?"


def test_a_turn_that_ended_without_statistics_lends_none_to_the_next() -> None:
    given_up = (
        logged(1.0, "Prompt after expanding image token: <image>What is this?")
        + logged(1.1, "Encoding tensor with numel: 12288")
        + logged(1.2, "Encoder execution completed, got hidden states")
        + logged(1.2, "Prompt Processor: total 80 prompt tokens (AR-16 * 5 iters)")
        + logged(1.3, "RSS after prompt prefill: 41.0 MiB (0 if unsupported)")
    )
    next_one = (
        logged(2.0, BEGINS)
        + logged(2.0, "Prompt Processor: total 20 prompt tokens (AR-16 * 2 iters)")
        + logged(2.04, "RSS after prompt prefill: 41.0 MiB (0 if unsupported)")
        + block(stats_of(20, 5))
    )
    (turn,) = parse_runner_log(given_up + next_one)
    assert turn.stats.encode_ms is None
    assert turn.stats.prefill_ms == pytest.approx(40)


@pytest.mark.parametrize(
    "message",
    [
        BEGINS,
        'Turn-0: {id: 0, text: "Read this:',
        "Prompt after expanding image token: ",
        "Prompt after expanding image token: PyTorchObserver {",
        'Turn-0: {id: 0, text: "PyTorchObserver {"prompt_tokens":3}',
    ],
)
def test_a_prompt_of_several_lines_is_not_read_as_the_runners_own(message: str) -> None:
    spoof = (
        "Encoding tensor with numel: 5\n"
        "Warning: Generation stopped at seq_len limit (128)\n"
        "\tPrompt Tokens: 3    Generated Tokens: 4\n"
        "RSS after finishing text generation: 1.0 MiB (0 if unsupported)\n"
        'PyTorchObserver {"prompt_tokens":3}\n'
        "PyTorchObserver {\n"
    )
    own = logged(3, "\nReached to the end of generation") + block(stats_of(20, 5))
    (turn,) = parse_runner_log(logged(1, message) + spoof + own)
    assert turn == parse_runner_log(logged(1, message) + "\n" * 6 + own)[0]
    assert turn.stats.stop_reason == "stop_token"


@pytest.mark.parametrize("further", [0, 1, 20])
def test_turns_with_prompts_of_many_lines_keep_their_own_messages(further: int) -> None:
    lines = "and this\n" * further
    stop = logged(3, "\nReached to the end of generation")
    cap = logged(3, "\nReached to the maximum sequence length")
    turns = (stop, cap, stop)
    log = "".join(logged(1, BEGINS) + lines + end + block(stats_of(20, 5)) for end in turns)
    reasons = [turn.stats.stop_reason for turn in parse_runner_log(log)]
    assert reasons == ["stop_token", "length", "stop_token"]


def test_the_runner_of_january_to_march_2026_tells_its_encoder_in_other_words() -> None:
    """As ``encoder.cpp`` and ``qnn_multimodal_runner.cpp`` of pytorch/executorch 3ddb86cd67."""
    log = (
        logged(1.0, "Encoder loaded successfully, image_seq_len=64")
        + logged(1.1, "Encoding image tensor with numel: 786432")
        + logged(1.141, "Encoder execution completed, got image hidden states")
        + logged(2.0, "creating runner: model_path=hybrid_llama_qnn.pte")
        + logged(2.1, "Prompt after expanding image token: <|im_start|>User:<image>What?")
        + logged(2.1, "Merging text embeddings with image hidden states")
        + block(stats_of(81, 454))
    )
    (turn,) = parse_runner_log(log)
    assert turn.stats.encode_ms == pytest.approx(41)
