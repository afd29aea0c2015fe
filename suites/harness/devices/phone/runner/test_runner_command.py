"""The command line is upstream's (contract §5.1), with our own flags for our own runner only."""

from __future__ import annotations

import shlex

import pytest

from harness.devices.phone.runner.command import RemoteModel, run_script, runner_arguments
from harness.devices.phone.runner.dialogue import Dialogue
from harness.devices.phone.runner.generation import RunnerGeneration, read_generation
from harness.devices.phone.runner.option_limits import check_options
from harness.errors import UserError
from harness.runtime.flag_syntax import help_text, parse_flags
from harness.runtime.request import RunOptions
from harness.vlm.mode import LookaheadShape

MODEL = RemoteModel("/t/runner", "/a/e.pte", "/a/t.pte", "/a/d.pte", "/a/tokenizer.json", "smolvlm")
CURRENT = RunnerGeneration(frozenset({"tok_embedding_path"}), requantizes=False)
OLD = RunnerGeneration(frozenset({"embedding_path"}), requantizes=True)
OURS = read_generation(help_text())
DIALOGUE = Dialogue(('It\'s "5 $"?\n`-x`',), ("",), (9,), is_exact=True)
OPTIONS = RunOptions(mode="kv", max_new_tokens=8)
OF_OURS = OPTIONS.model_copy(update={"ignore_eos": True, "record_margins": True})


def arguments(
    generation: RunnerGeneration, options: RunOptions = OPTIONS, system_prompt: str = ""
) -> tuple[str, ...]:
    return runner_arguments(
        MODEL,
        generation,
        DIALOGUE,
        ("/i/1.raw",),
        options,
        system_prompt=system_prompt,
        seq_len=18,
    )


def test_upstreams_runner_gets_upstreams_flags_and_no_others() -> None:
    assert arguments(CURRENT) == (
        "/t/runner",
        *("--decoder_model_version", "smolvlm"),
        *("--tokenizer_path", "/a/tokenizer.json"),
        *("--encoder_path", "/a/e.pte"),
        *("--tok_embedding_path", "/a/t.pte"),
        *("--decoder_path", "/a/d.pte"),
        *("--image_path", "images.txt"),
        *("--output_path", "outputs.txt"),
        *("--performance_output_path", "inference_speed.txt"),
        *("--eval_mode", "0"),
        *("--temperature", "0"),
        *("--seq_len", "18"),
        "--shared_buffer",
        *("--prompt", 'It\'s "5 $"?\n`-x`'),
    )


def test_the_first_runner_names_the_embedding_and_the_raw_image_otherwise() -> None:
    words = arguments(OLD)
    assert words[words.index("--embedding_path") + 1] == "/a/t.pte"
    assert words[words.index("--image_path") + 1] == "/i/1.raw"
    assert "--tok_embedding_path" not in words


def test_lookahead_and_a_system_prompt_are_told() -> None:
    options = RunOptions(mode="lookahead", lookahead=LookaheadShape(window=4, ngram=5, gcap=6))
    words = arguments(CURRENT, options, system_prompt="Be brief.")
    assert {"--window=4", "--ngram=5", "--gcap=6"} <= set(words)
    assert words[words.index("--eval_mode") + 1] == "2"
    assert words[words.index("--system_prompt") + 1] == "Be brief."


def test_our_own_runner_understands_all_of_it() -> None:
    flags = parse_flags(arguments(OURS, OF_OURS)[1:])
    assert flags.json_output
    assert flags.ignore_eos
    assert flags.record_margins
    assert flags.seq_len == 18
    assert flags.prompt == DIALOGUE.prompts


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (RunOptions(ignore_eos=True), "ends each answer at its stop token"),
        (RunOptions(record_margins=True), "does not tell its second choices"),
        (RunOptions(requantization=False), "no switch for leaving the KV cache unconverted"),
        (RunOptions(temperature=0.7), "raw codes for logits at temperature 0.7"),
        (RunOptions(temperature=0.7, upstream_compat=True, top_p=0.5), "leave top_p 0.5 out"),
        (RunOptions(temperature=0.7, upstream_compat=True, seed=3), "takes no seed"),
        (RunOptions(mode="lookahead", seed=3), "takes no seed"),
        (RunOptions(seq_len=-5), "aborts at seq_len -5; give 0"),
    ],
)
@pytest.mark.parametrize("generation", [CURRENT, OLD])
def test_what_upstreams_runner_cannot_do_is_refused(
    generation: RunnerGeneration, options: RunOptions, told: str
) -> None:
    with pytest.raises(UserError) as refused:
        check_options(options, generation)
    assert told in str(refused.value)
    check_options(options, OURS)


def test_all_that_upstreams_runner_cannot_do_is_told_at_once() -> None:
    with pytest.raises(UserError, match=r"stop token; .*; it does not tell its second choices"):
        check_options(OF_OURS, CURRENT)


@pytest.mark.parametrize(
    "options", [RunOptions(), RunOptions(seed=3, top_p=0.5), RunOptions(upstream_compat=True)]
)
def test_what_changes_no_greedy_answer_is_asked_of_every_runner(options: RunOptions) -> None:
    check_options(options, CURRENT)


def test_our_own_runner_can_leave_the_cache_unconverted() -> None:
    assert "--norequantization" in arguments(OURS, RunOptions(requantization=False))


@pytest.mark.parametrize(
    ("images", "listing"),
    [
        (("/i/a b.raw", "/i/2.raw"), "printf '%s\\n' '/i/a b.raw' /i/2.raw > images.txt; "),
        # Upstream's runner answers without an image, but aborts without the list.
        ((), ": > images.txt; "),
        (None, ""),
    ],
)
def test_the_list_of_images_is_there_wherever_one_is_read(
    images: tuple[str, ...] | None, listing: str
) -> None:
    assert run_script("/t", ("/t/runner",), images) == (
        f"{listing}export LD_LIBRARY_PATH=/t ADSP_LIBRARY_PATH=/t; exec /t/runner"
    )


def test_the_phones_shell_changes_no_word() -> None:
    """Upstream escapes the double quote alone (contract §1.4)."""
    script = run_script("/t", arguments(CURRENT))
    _, _, command = script.partition("; exec ")
    assert tuple(shlex.split(command)) == arguments(CURRENT)
    assert script.startswith("export LD_LIBRARY_PATH=/t ADSP_LIBRARY_PATH=/t; exec /t/runner ")
