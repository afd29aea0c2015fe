"""A log that somebody has on disk tells what it holds, and what it does not."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from harness.commands.main import main
from harness.measure.metrics import METRICS
from harness.measure.run_stats import RunStats
from harness.runner_log.line import log_line
from harness.runner_log.statistics_block import block_lines

STATS = RunStats(
    prompt_tokens=81,
    generated_tokens=40,
    load_ms=370.0,
    prompt_eval_ms=120.0,
    ttft_ms=120.0,
    decode_ms=800.0,
    inference_ms=920.0,
    sampling_ms=7.0,
)
CHECK = "In function generate(), assert failed (cur_pos_ < seq_len): sequence length exceeded"
STAGES = (
    "Prompt after expanding image token: Hi",
    "Encoding tensor with numel: 12",
    "Encoder execution completed, got hidden states",
    "Prompt Processor: total 81 prompt tokens (AR-32 * 3 iters)",
    "RSS after prompt prefill: 100.000000 MiB (0 if unsupported)",
    "\nReached to the end of generation",
    "RSS after finishing text generation: 419.500000 MiB (0 if unsupported)",
)


def log_of(*messages: str, turns: int = 1) -> str:
    lines = [*messages, *block_lines(STATS)] * turns
    return "".join(f"{log_line(10_000 * at, 'a.cpp:1', one)}\n" for at, one in enumerate(lines))


def shown(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, str], set[str]]:
    """What is told of the first turn, and what is said to be missing."""
    assert main(["log", str(path)]) == 0
    told, _, missing = capsys.readouterr().out.partition("\nmissing ")
    rows = [line.split() for line in told.splitlines()]
    lacking = {line.split()[0] for line in missing.splitlines()[1:] if line[:1].isalpha()}
    return {words[0]: words[1] for words in rows if words[0] in (*METRICS, *STATED)}, lacking


STATED = (*RunStats.model_fields,)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


def test_every_metric_is_told_or_said_to_be_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runner.log"
    path.write_text(log_of(*STAGES))
    rows, missing = shown(path, capsys)
    told = {"decode_tps": "50", "encode_ms": "10", "prefill_ms": "10", "peak_rss_mib": "419.5"}
    told |= {"prompt_tokens": "81", "stop_reason": "stop_token", "e2e_tps": "43.48"}
    assert {name: rows[name] for name in told} == told
    assert missing == {"decode_steps", "embed_ms", "execute_ms", "bookkeeping_ms_per_step"}
    performance = {name for name, metric in METRICS.items() if metric.kind == "performance"}
    assert rows.keys() | missing == performance | set(STATED)


def test_turns_stand_beside_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "runner.log"
    path.write_text(log_of(*STAGES) + log_of(STAGES[0]) * 5)
    assert main(["log", str(path)]) == 0
    told = capsys.readouterr().out
    assert [f"turn {number}" in told for number in range(1, 8)] == [True] * 6 + [False]
    [encode] = [line.split() for line in told.splitlines() if line.startswith("encode_ms")][:1]
    assert encode[1:5] == ["10", *["missing"] * 3]
    assert "encode_ms                2, 3, 4, 5, 6  " in told


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_a_log_is_read_in_the_encoding_that_its_host_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    path = tmp_path / "runner.log"
    path.write_bytes(log_of(*STAGES).replace("\n", "\r\n").encode(encoding))
    assert shown(path, capsys)[0]["decode_tps"] == "50"


def test_standard_input_is_a_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log_of(*STAGES).encode())))
    assert shown(Path("-"), capsys)[0]["decode_tps"] == "50"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "printed no statistics in 0 lines"),
        ("\x00\xff nothing of the kind", "printed no statistics in 1 lines"),
        (log_of()[:-12], "is cut or damaged"),
        (log_of().rpartition("I 00")[0], "lacks Sampling time"),
        (log_line(1, "a.cpp:1", CHECK, "F"), "the run failed: sequence length exceeded"),
        (
            log_of(*STAGES) + log_line(1, "a.cpp:1", CHECK, "F"),
            "the run failed behind 1 turn: sequence length exceeded",
        ),
    ],
)
def test_a_damaged_log_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    path = tmp_path / "runner.log"
    path.write_text(text)
    assert main(["log", str(path)]) == 2
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"error: {path}: ")
    assert told in sentence


@pytest.mark.parametrize("name", ["absent.log", "."])
def test_what_is_no_file_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert main(["log", str(tmp_path / name)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_times_without_the_encoder_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runner.log"
    path.write_text(log_of("Encoding image tensor with numel: 12", *STAGES[2:]))
    assert main(["log", str(path)]) == 0
    assert "leave the vision encoder out" in capsys.readouterr().out
