"""The command line is read as gflags reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.runtime.flag_syntax import help_text, parse_flags
from harness.runtime.flags import Flags

text = st.text(st.characters(codec="utf-8"), max_size=20)


@given(prompts=st.lists(text, max_size=4), joined=st.lists(st.booleans(), min_size=4, max_size=4))
def test_any_text_is_a_prompt_in_either_form(prompts: list[str], joined: list[bool]) -> None:
    arguments: list[str] = []
    for prompt, in_one in zip(prompts, joined, strict=False):
        arguments += [f"--prompt={prompt}"] if in_one else ["--prompt", prompt]
    assert parse_flags(arguments).prompt == tuple(prompts)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seq_len", "200"],
        ["--seq_len=200"],
        ["-seq_len", "200"],
        ["-seq_len=200"],
        ["--seq-len", "200"],
        ["--seq_len", "1024", "--seq_len", "200"],
    ],
)
def test_every_spelling_of_a_value_counts_and_the_last_wins(arguments: list[str]) -> None:
    assert parse_flags(arguments).seq_len == 200


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("--shared_buffer", True),
        ("-shared_buffer", True),
        ("--shared-buffer", True),
        ("--shared_buffer=true", True),
        ("--shared_buffer=1", True),
        ("--shared_buffer=false", False),
        ("--noshared_buffer", False),
        ("--no-shared-buffer", False),
    ],
)
def test_every_spelling_of_a_switch(argument: str, expected: bool) -> None:
    assert parse_flags(["--shared_buffer", argument]).shared_buffer is expected


def test_a_switch_takes_no_word_after_it() -> None:
    flags = parse_flags(["--ignore-eos", "--json", "--prompt", "--stream"])
    assert flags.ignore_eos
    assert flags.json_output
    assert flags.prompt == ("--stream",)
    assert not flags.stream


def test_upstreams_defaults_hold_without_flags() -> None:
    flags = parse_flags([])
    assert flags == Flags()
    assert flags.tok_embedding_path == Path("tok_embedding.pte")
    assert flags.encoder_path == Path("encoder.pte")
    assert flags.decoder_path == Path("decoder.pte")
    assert flags.tokenizer_path == Path("tokenizer.bin")
    assert flags.output_path == Path("outputs.txt")
    assert flags.performance_output_path == Path("inference_speed.txt")
    assert flags.decoder_model_version == "llama3"
    assert (flags.temperature, flags.num_iters) == (0.0, 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--decoder_pth", "x"], r"no flag --decoder_pth; did you mean decoder_path\?"),
        (["--seq_len"], "--seq_len needs a value"),
        (["--seq_len", "many"], "--seq_len cannot be 'many'"),
        (["--eval_mode", "3"], "--eval_mode cannot be '3'"),
        (["--temperature=-1"], "--temperature cannot be '-1'"),
        (["--json=perhaps"], "--json cannot be 'perhaps'"),
        (["--nojson=true"], "--nojson takes no value"),
        (["photo.jpg"], "'photo.jpg' follows no flag"),
        (["--", "x"], "'--' follows no flag"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        parse_flags(arguments)


def test_help_lists_every_flag_and_says_pte() -> None:
    shown = help_text()
    for name, info in Flags.model_fields.items():
        assert f"  --{info.alias or name} " in shown
    assert ".pte" in shown
    assert "flatbuffer" not in shown
    assert max(map(len, shown.splitlines())) <= 100
