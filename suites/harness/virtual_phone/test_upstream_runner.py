"""A virtual phone's runner with upstream's limits behaves as the C++ program was seen to."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

import harness
from harness.artifacts.artifact import Artifact
from harness.devices.phone.runner.generation import read_generation
from harness.runner_log.failed_check import why_it_ended
from harness.runner_log.log import parse_runner_log
from harness.virtual_phone.upstream.conversation import read_request
from harness.virtual_phone.upstream.failed_check import FailedCheck
from harness.virtual_phone.upstream.flags import (
    BadFlags,
    applied_temperature,
    help_text,
    read_flags,
)
from harness.virtual_phone.upstream.runner import main

PROMPT = ("--prompt", "<image>What is this?")


@pytest.fixture
def files(random_smolvlm: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run, which is the working one: a raw image and lists of none, one and two."""
    size = random_smolvlm.manifest.image_size_px
    np.zeros((1, 3, size, size), "<f4").tofile(tmp_path / "a.raw")
    (tmp_path / "images.txt").write_text("a.raw\n")
    (tmp_path / "two.txt").write_text("a.raw\na.raw\n")
    (tmp_path / "none.txt").write_text("")

    def end(check: FailedCheck, observer: object) -> None:
        raise AssertionError(f"{check.condition}: {check.text} {check.logged}")

    # Whatever fails must not end the process of these tests.
    monkeypatch.setattr(FailedCheck, "end_process", end)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def model(random_smolvlm: Artifact) -> tuple[str, ...]:
    """Flags that name an artifact."""
    path = random_smolvlm.path
    return (
        *("--decoder_model_version", "smolvlm"),
        *("--encoder_path", str(path("vision_encoder"))),
        *("--tok_embedding_path", str(path("token_embedding"))),
        *("--decoder_path", str(path("text_decoder"))),
        *("--tokenizer_path", str(random_smolvlm.tokenizer_path)),
    )


def test_its_help_is_of_upstreams_present_generation() -> None:
    generation = read_generation(help_text())
    assert not generation.is_ours
    assert not generation.is_single_turn
    assert not generation.requantizes
    assert {"ignore_eos", "record_margins"} <= generation.lacks


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--json"], "unknown command line flag 'json'"),
        (["--ignore_eos"], "unknown command line flag 'ignore_eos'"),
        (["--requests", "r"], "unknown command line flag 'requests'"),
        (["--record_margins"], "unknown command line flag 'record_margins'"),
        (["--norequantization"], "unknown command line flag 'norequantization'"),
        (["--artifact=x"], "unknown command line flag 'artifact'"),
        (["--seq_len"], "flag '--seq_len' is missing its argument"),
        (["--seq_len", "many"], "illegal value 'many' specified for int32 flag 'seq_len'"),
        (["--seq_len", "99999999999"], "illegal value '99999999999'"),
        (["--seq_len", "40.0"], "illegal value '40.0'"),
        (["--seq_len", "1_0"], "illegal value '1_0'"),
        (["--num_iters", ""], "illegal value '' specified for int32 flag 'num_iters'"),
        (["--temperature", "1e400"], "illegal value '1e400' specified for double flag"),
        (["--shared_buffer=maybe"], "illegal value 'maybe' specified for bool flag"),
    ],
)
def test_flags_that_upstream_does_not_have_are_refused(arguments: list[str], told: str) -> None:
    with pytest.raises(BadFlags) as refused:
        read_flags(arguments)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "prompts"),
    [
        (["--prompt", "a", "--prompt", "b"], ("a", "b")),
        (["--prompt=a"], ()),
        (["-prompt", "a"], ()),
        (["stray", "--prompt", "a", "words"], ("a",)),
        (["--noshared_buffer", "--prompt", "--seq_len"], ("--seq_len",)),
        (["--prompt", "--prompt", "--output_path", "o.txt"], ("--prompt",)),
        (["--prompt", "a", "--prompt", "--prompt", "--prompt", "b"], ("a", "--prompt", "b")),
        (["--noshared_buffer=true", "--prompt", ""], ("",)),
    ],
)
def test_prompts_are_the_words_behind_their_flag(
    arguments: list[str], prompts: tuple[str, ...]
) -> None:
    flags = read_flags(arguments)
    assert flags.prompt == prompts
    assert flags.upstream_compat


@pytest.mark.parametrize(
    ("typed", "value"),
    [("0x60", 96), (" 40", 40), ("+60", 60), ("-5", -5), ("-0x10", -16), ("0", 0)],
)
def test_numbers_are_read_as_gflags_reads_them(typed: str, value: int) -> None:
    assert read_flags(["--seq_len", typed, "--num_iters", typed]).seq_len == value
    assert read_flags(["--temperature", "-1"]).temperature == -1.0


@pytest.mark.parametrize(
    ("arguments", "condition", "said"),
    [
        (["--eval_mode", "3"], "false", "Unsupported llama evaluation mode"),
        (["--eval_mode", "7"], "hasValue_", "No method named '' in program"),
        (["--eval_mode", "-1"], "hasValue_", "No method named '' in program"),
        (["--decoder_model_version", "SmolVLM"], "false", "Unsupported Decoder Model"),
    ],
)
def test_values_that_upstream_does_not_know_are_failed_checks(
    files: Path, model: Sequence[str], arguments: list[str], condition: str, said: str
) -> None:
    with pytest.raises(AssertionError) as ended:
        main([*model, *PROMPT, "--image_path", "images.txt", *arguments])
    assert str(ended.value).startswith(f"{condition}: ")
    assert said in str(ended.value)
    assert not Path("outputs.txt").exists()


@pytest.mark.parametrize("branch", [[], ["--window", "3"], ["--window", "-3", "--ngram", "3"]])
def test_lookahead_without_a_branch_throws(
    files: Path, model: Sequence[str], branch: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    thrown = pytest.raises(RuntimeError, match="length_error")

    def throw(exception: str, what: str) -> NoReturn:
        raise RuntimeError(f"{exception}: {what}")

    monkeypatch.setattr("harness.virtual_phone.upstream.runner.terminate", throw)
    with thrown:
        main([*model, *PROMPT, "--image_path", "images.txt", "--eval_mode", "2", *branch])


def test_no_iteration_leaves_an_empty_file_and_a_branch_is_not_read_in_other_modes(
    files: Path, model: Sequence[str]
) -> None:
    unread = ["--window", "-3", "--num_iters", "-1", "--temperature", "-1", "--eval_mode", "1"]
    assert main([*model, *PROMPT, "--image_path", "images.txt", *unread]) == 0
    assert Path("outputs.txt").read_bytes() == b""
    assert not Path("inference_speed.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "check"),
    [
        (PROMPT, "!FLAGS_image_path.empty()"),
        ((*PROMPT, "--image_path", ""), "!FLAGS_image_path.empty()"),
        ((*PROMPT, "--image_path", "gone.txt"), "input_list.is_open()"),
        (
            ("--prompt", r"<image>What is \<image>?", "--image_path", "images.txt"),
            "total_image_tokens == num_images",
        ),
        ((*PROMPT, "--image_path", "gone_raw.txt"), "file.is_open()"),
        ((*PROMPT, "--image_path", "short.txt"), "file_size == expected_length"),
        ((*PROMPT, "--image_path", "two.txt"), "total_image_tokens == num_images"),
        ((*PROMPT, "--image_path", "none.txt"), "total_image_tokens == num_images"),
        (("--prompt", "<audio>?", "--image_path", "none.txt"), "total_audio_tokens == num_audios"),
    ],
)
def test_what_is_asked_is_checked_as_upstream_checks_it(
    files: Path, arguments: Sequence[str], check: str
) -> None:
    (files / "gone_raw.txt").write_text("gone.raw")
    (files / "short.raw").write_bytes(bytes(100))
    (files / "short.txt").write_text("short.raw")
    side = round((os.path.getsize("a.raw") / 12) ** 0.5)
    with pytest.raises(FailedCheck) as failed:
        read_request(read_flags(arguments), side)
    assert failed.value.condition == check


@pytest.mark.parametrize(
    "asked", [["--prompt", "caf\udce9"], ["--prompt", "a", "--system_prompt", "\udcff"]]
)
def test_bytes_that_are_no_utf8_end_it_as_an_exception_of_cpp(
    files: Path,
    asked: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    died: list[int] = []

    def die(number: int) -> NoReturn:
        died.append(number)
        raise SystemExit

    monkeypatch.setattr("harness.virtual_phone.upstream.failed_check.die", die)
    with pytest.raises(SystemExit):
        read_request(read_flags([*asked, "--image_path", "none.txt"]), 8)
    assert died == [signal.SIGABRT]
    assert "what():  invalid character" in capsys.readouterr().err


def test_a_text_without_images_takes_an_empty_list(files: Path) -> None:
    request = read_request(read_flags(["--prompt", "Hello", "--image_path", "none.txt"]), 8)
    assert (request.prompts, request.images) == (("Hello",), ())


def test_statistics_are_whole_milliseconds_and_no_ids_are_printed(
    files: Path, model: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    turns = (*PROMPT, "--image_path", "images.txt", "--seq_len", "60")
    assert main([*model, *turns]) == 0
    said = capfd.readouterr()
    assert "token_ids" not in said.out
    reported = parse_runner_log(said.out + said.err)
    (last,) = (turn.stats for turn in reported)
    for name in ("load_ms", "ttft_ms", "decode_ms", "inference_ms", "sampling_ms"):
        value = getattr(last, name)
        assert value == pytest.approx(round(value), abs=1e-6), name
    assert last.execute_ms is None
    speed = float((files / "inference_speed.txt").read_text())
    assert speed == pytest.approx(last.generated_tokens * 1000 / last.inference_ms, rel=1e-5)
    assert b"What is this?" in (files / "outputs.txt").read_bytes()


def test_a_folder_that_is_not_there_costs_nothing_but_the_files(
    files: Path, model: tuple[str, ...]
) -> None:
    places = ("--output_path", "no/o.txt", "--performance_output_path", "no/s.txt")
    assert main([*model, *PROMPT, "--image_path", "images.txt", *places]) == 0
    assert not (files / "no").exists()


def test_a_failed_check_aborts_and_leaves_an_empty_file_of_answers(
    files: Path, model: tuple[str, ...]
) -> None:
    """The one that a phone's log was read for: a second turn that is too long."""
    command = (sys.executable, "-m", "harness.virtual_phone.upstream", *model)
    turns = (*PROMPT, "--image_path", "images.txt", "--prompt", "x y " * 400, "--seq_len", "0")
    environment = {**os.environ, "PYTHONPATH": str(Path(harness.__file__).parents[1])}
    ended = subprocess.run([*command, *turns], env=environment, capture_output=True, check=False)
    assert ended.returncode == -6
    assert (files / "outputs.txt").read_bytes() == b""
    assert (files / "inference_speed.txt").read_text(), "the first turn's speed stays"
    told = why_it_ended(ended.stderr.decode())
    assert told is not None
    assert told.startswith("sequence length exceeded - please increase the seq_len value")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["--help"], 1, help_text()),
        (["--help", "--seq_len", "5"], 1, help_text()),
        (["--help", "--json"], 1, help_text()),
        (["--helpshort", "--version"], 1, help_text()),
        (["--noversion", "--help"], 1, help_text()),
        (["--version"], 0, "qnn_multimodal_runner"),
        (["--version", "--seq_len", "many"], 0, "qnn_multimodal_runner"),
        (["--json", "--version"], 0, "qnn_multimodal_runner"),
        (["--json"], 1, ""),
        (["--version=false", "--unknown"], 1, ""),
        (["--version=maybe"], 1, ""),
        (["--seq_len", "--version"], 1, ""),
        (["--help=false", "--version", "--version=0", "--json"], 1, ""),
    ],
)
def test_gflags_is_asked_before_mistakes_are_told(
    arguments: list[str], exit_code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == exit_code
    assert capsys.readouterr().out.rstrip("\n") == said


@pytest.mark.parametrize(
    ("typed", "applied"),
    [
        ("0", 0.0),
        ("0.7", 0.7),
        ("-1", -1.0),
        ("inf", 0.0),
        ("-inf", 0.0),
        ("1e39", 0.0),
        ("1e-46", 0.0),
        ("nan", math.nan),
        ("1e-40", math.nan),
        ("-1e-40", math.nan),
    ],
)
def test_a_temperature_divides_in_single_precision(typed: str, applied: float) -> None:
    found = applied_temperature(read_flags(["--temperature", typed]).temperature)
    assert found == pytest.approx(applied, nan_ok=True)


def test_a_word_and_a_system_prompt_hold_places_of_images(
    files: Path, model: Sequence[str]
) -> None:
    asked = ["--prompt", r"What is \<image>?", "--system_prompt", "An <image>."]
    assert main([*model, *asked, "--image_path", "images.txt", "--seq_len", "90"]) == 0
    written = Path("outputs.txt").read_text(errors="replace")
    assert "An .<|eot_id|>" in written
    assert r"What is \<fake_token_around_image><global-img><image><fake_token" in written
