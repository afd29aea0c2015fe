"""A runner tells by its flags of which generation it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.devices.phone.runner.generation import RunnerGeneration, read_generation
from harness.errors import UserError
from harness.runtime.flag_syntax import help_text

GFLAGS = """\
qnn_multimodal_runner: Warning: SetUsageMessage() never called

  Flags from /home/user/executorch/examples/qualcomm/oss_scripts/llama/qnn_multimodal_runner.cpp:
    -decoder_path (Path to decoder model serialized in flatbuffer format.)
      type: string default: "decoder.pte"
    -{embedding} (Path to token embedding model serialized in flatbuffer
      format.) type: string default: "embedding.pte"
    -eval_mode (0: TokenGenerator(kv) / 1: HybridMode (prefill+kv) / 2:
      Lookahead Decoding) type: int32 default: 1
    -image_path (Path to input image file.) type: string default: ""
    -shared_buffer (Specifies to use shared buffers for zero-copy use case
      between the application and device/co-processor.) type: bool
      default: false

  Flags from gflags.cc:
    -flagfile (load flags from file) type: string default: ""
"""
"""As gflags prints flags; which of them a runner has is contract §5.1 and §1.5."""

CURRENT = GFLAGS.format(embedding="tok_embedding_path")
OF_PR_16536 = GFLAGS.format(embedding="embedding_path")


@pytest.fixture
def converting_runner(tmp_path: Path) -> Path:
    """A program that knows the metadata of KV encodings."""
    path = tmp_path / "qnn_multimodal_runner"
    path.write_bytes(b"\x7fELF\0get_k_scale_input_\0")
    return path


@pytest.fixture
def other_runner(tmp_path: Path) -> Path:
    """A program that does not."""
    path = tmp_path / "qnn_multimodal_runner"
    path.write_bytes(b"\x7fELF\0get_n_layers\0")
    return path


def test_the_present_runner_takes_lists_and_never_converts(converting_runner: Path) -> None:
    generation = read_generation(CURRENT, converting_runner)
    assert generation == RunnerGeneration(generation.flags, requantizes=False)
    assert generation.embedding_flag == "tok_embedding_path"
    assert not generation.is_single_turn
    assert not generation.is_ours
    assert {"decoder_path", "eval_mode", "shared_buffer", "flagfile"} <= generation.flags


def test_the_first_runner_takes_one_image_and_converts(converting_runner: Path) -> None:
    generation = read_generation(OF_PR_16536, converting_runner)
    assert generation.embedding_flag == "embedding_path"
    assert generation.is_single_turn
    assert generation.requantizes
    assert generation.times_lack == "the vision encoder"


def test_between_two_changes_of_march_2026_it_no_longer_converts(other_runner: Path) -> None:
    """No flag tells these days apart, but the program's own bytes do."""
    assert not read_generation(OF_PR_16536, other_runner).requantizes


def test_our_own_runner_speaks_for_itself() -> None:
    generation = read_generation(help_text())
    assert generation.is_ours
    assert generation.requantizes
    assert not generation.is_single_turn
    assert {"json", "ignore_eos", "record_margins"} <= generation.flags


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (
            'CANNOT LINK EXECUTABLE "./qnn_multimodal_runner": library "libc++_shared.so" not '
            "found: needed by main executable",
            r"libc\+\+_shared.so, .*beside the runner in --build-dir",
        ),
        ("/system/bin/sh: /data/x/runner: can't execute: Permission denied", "noexec"),
    ],
)
def test_what_does_not_start_is_told_in_the_words_of_linker_and_shell(
    text: str, cause: str
) -> None:
    with pytest.raises(UserError, match=f"does not start on the phone: .*{cause}"):
        read_generation(text)


@pytest.mark.parametrize("text", ["", "sh: not found", "  -model_path (A model)"])
def test_another_program_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"is no multimodal runner: .* with --build-dir"):
        read_generation(text)


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        ("It ended with exit code 132 (Illegal instruction).", "the runner crashed .Illegal instr"),
        ("It ended with exit code 137 (Killed).", "the system ended the runner"),
        ("It ended with exit code 134 (Aborted).", "ends in 'It ended with exit code 134 .Abort"),
    ],
)
def test_a_runner_that_dies_in_silence_is_told_by_how_it_ended(end: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_generation(f"{end}\n")
