"""What a run left is an answer, or a failure that says why; an exit code of 0 proves nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.devices.phone.files.storage import SMALL_FILE_BYTES
from harness.devices.phone.runner.dialogue import Dialogue
from harness.devices.phone.runner.output import LeftBehind, UnusableRun, failed_run, read_answer
from harness.measure.run_stats import RunStats
from harness.miniatures.committed import checkpoint_path
from harness.runner_log import messages
from harness.runner_log.line import log_line
from harness.runner_log.statistics_block import block_lines
from harness.runtime.generation import Generation, Turn
from harness.vlm.tokenizer import Tokenizer

LOGS = Path(__file__).parents[3] / "runner_log" / "data"
"""Logs of phones that ran the runner of PR #16536."""
RESULTS = "INFO:root:Results[0]:\n"
STATS = RunStats(
    prompt_tokens=40,
    generated_tokens=20,
    load_ms=100.0,
    prompt_eval_ms=100.0,
    ttft_ms=100.0,
    decode_ms=400.0,
    inference_ms=500.0,
    sampling_ms=1.0,
)
DIALOGUE = Dialogue(("red?",), ("User:red?\nAssistant:",), (40,), is_exact=True)


def log_of(*turns: RunStats) -> str:
    lines = [line for stats in turns for line in block_lines(stats)]
    return "\n".join(log_line(0, "stats.h:1", line) for line in lines)


GOOD = LeftBehind(log_of(STATS), b"User:red?\nAssistant: a red circle", "40", peak_kib=2048)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The miniature's."""
    return Tokenizer(checkpoint_path("tiny_smolvlm") / "tokenizer.json")


def test_an_answer_is_what_stands_behind_the_echo(tokenizer: Tokenizer) -> None:
    turn = read_answer("q", GOOD, DIALOGUE, tokenizer).last
    assert turn.text == " a red circle"
    assert turn.echo == "User:red?\nAssistant:"
    assert turn.token_ids == tuple(tokenizer.encode(" a red circle"))
    assert turn.is_retokenized
    assert turn.stats.decode_ms == 400.0


def test_an_answer_beyond_all_bounds_is_a_failure_of_the_run(tokenizer: Tokenizer) -> None:
    left = replace(GOOD, output=b"User:red?\nAssistant: " + b"no " * (SMALL_FILE_BYTES // 3))
    with pytest.raises(UnusableRun, match=r"outputs\.txt has 4 MiB or more"):
        read_answer("q", left, DIALOGUE, tokenizer)


def test_the_larger_peak_of_memory_counts(tokenizer: Tokenizer) -> None:
    """The kernel's word where the runner's own is missing or was taken before the last page."""
    assert read_answer("q", GOOD, DIALOGUE, tokenizer).last.stats.peak_rss_mib == 2.0
    told = log_line(
        0, "a:1", "RSS after finishing text generation: 3.500000 MiB (0 if unsupported)"
    )
    reported = replace(GOOD, log=f"{told}\n{GOOD.log}")
    assert read_answer("q", reported, DIALOGUE, tokenizer).last.stats.peak_rss_mib == 3.5
    unknown = replace(GOOD, peak_kib=None)
    assert read_answer("q", unknown, DIALOGUE, tokenizer).last.stats.peak_rss_mib is None


def test_turns_follow_each_other_without_a_separator(tokenizer: Tokenizer) -> None:
    dialogue = Dialogue(("a", "b"), ("[a]", "[b]"), (4, 5), is_exact=True)
    left = replace(GOOD, log=log_of(STATS, STATS), output=b"[a] one[b] two")
    answer = read_answer("q", left, dialogue, tokenizer)
    assert [turn.text for turn in answer.turns] == [" one", " two"]


def test_a_turn_that_upstream_gave_up_without_a_word_is_named(tokenizer: Tokenizer) -> None:
    dialogue = Dialogue(("a", "b"), ("[a]", "[b]"), (4, 5), is_exact=True)
    left = replace(GOOD, output=b"[a] one[b] two")
    with pytest.raises(UnusableRun, match=r"reported 1 turns of 2, .* id that its tokenizer lacks"):
        read_answer("q", left, dialogue, tokenizer)


@pytest.mark.parametrize(
    ("name", "ending", "speed", "begins", "ends"),
    [
        (
            "smolvlm_500m_hybrid",
            "Can you describe this image?<end_of_utterance>\nAssistant:",
            "50.8114",
            " The image depicts a serene",
            "the monument itself.<end_of_utterance>",
        ),
        (
            "internvl3_1b_hybrid",
            "Can you describe this image?<|im_end|>assistant\n",
            "66.6667",
            "The image shows two cats",
            "for a cat to rest.<|im_end|>",
        ),
    ],
)
def test_answers_of_real_phones_are_found_behind_their_image_tokens(
    tokenizer: Tokenizer, name: str, ending: str, speed: str, begins: str, ends: str
) -> None:
    log, _, output = (LOGS / f"{name}.log").read_text().partition(RESULTS)
    left = LeftBehind(log, output.strip().encode(), speed)
    dialogue = Dialogue(("Can you describe this image?",), (ending,), (81,), is_exact=False)
    turn = read_answer("q", left, dialogue, tokenizer).last
    assert turn.text.startswith(begins)
    assert turn.text.endswith(ends)
    assert turn.stats.ttft_ms in (117.0, 197.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"speed": None}, "wrote no speed file, which it leaves out when it gives up"),
        ({"speed": ""}, "its speed file holds '', which is no number"),
        ({"speed": "41.5"}, "says 41.5 tokens per second and its log 40: the file is of another"),
        ({"output": None}, "wrote no outputs.txt"),
        ({"output": b""}, "outputs.txt empty"),
        ({"output": b"User:red?\nAssistant:"}, "the prompt and no answer behind it"),
        ({"output": b"User:blue?\nAssistant: yes"}, "does not begin with the prompt"),
        ({"output": b"x User:red?\nAssistant: yes"}, "does not begin with the prompt"),
        ({"log": ""}, "The runner printed no statistics"),
        ({"log": log_of(STATS, STATS)}, "it reported 2 turns of 1"),
    ],
)
def test_an_exit_code_of_0_proves_nothing(
    tokenizer: Tokenizer, changes: dict[str, object], reason: str
) -> None:
    with pytest.raises(UnusableRun) as unusable:
        read_answer("q", replace(GOOD, **changes), DIALOGUE, tokenizer)  # type: ignore[arg-type]
    assert reason in str(unusable.value)


_STOPPED = f"{log_line(0, 'a:1', messages.STOP_TOKEN.write())}\n{GOOD.log}"


@pytest.mark.parametrize("end", ["<end_of_utterance>", "<|im_end|>", "!"])
def test_an_answer_ends_with_the_stop_token_that_the_log_tells_of(
    tokenizer: Tokenizer, end: str
) -> None:
    """That of the family, of another one, or what upstream takes for one: id 0, a word."""
    whole = f"User:red?\nAssistant: a red circle{end}".encode()
    read = replace(GOOD, log=_STOPPED, output=whole)
    assert read_answer("q", read, DIALOGUE, tokenizer).last.text.endswith(end)
    cut = replace(read, output=whole[:-1])
    with pytest.raises(UnusableRun, match=r"ends an answer with ' a red circle.* was cut"):
        read_answer("q", cut, DIALOGUE, tokenizer)


@pytest.fixture
def own_answer() -> Generation:
    """As our own runner prints it, with the ids that it generated."""
    turn = Turn(echo="User:red?\nAssistant:", text=" a red circle", token_ids=(7,), stats=STATS)
    return Generation(request_id="0", turns=(turn,))


def test_our_own_runner_tells_the_ids_that_it_generated(
    tokenizer: Tokenizer, own_answer: Generation
) -> None:
    left = replace(GOOD, log=f"{GOOD.log}\n{own_answer.model_dump_json()}")
    answer = read_answer("q", left, DIALOGUE, tokenizer)
    assert answer.request_id == "q"
    assert answer.last.token_ids == (7,)
    assert not answer.last.is_retokenized


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"request_id": "0", "turns": [', "its line of JSON cannot be read"),
        ('{"request_id": "0", "turns": []}', "holds another text than its last line"),
    ],
)
def test_a_line_of_ours_that_is_damaged_or_of_another_run_is_a_failure(
    tokenizer: Tokenizer, line: str, reason: str
) -> None:
    with pytest.raises(UnusableRun, match=reason):
        read_answer("q", replace(GOOD, log=f"{GOOD.log}\n{line}"), DIALOGUE, tokenizer)


def test_a_failure_is_explained_by_what_the_runner_printed_and_by_androids_log() -> None:
    """FastRPC and the linker write to the latter alone."""
    skel = "E ld: dynamic loading failed for file:///libQnnHtpV79Skel.so (outside ELF segment)"
    printed = "[WARNING] Failed to interpret QNN context binary. Error code 30010."
    left = LeftBehind(printed, None, None, logcat=skel, exit_code=1)
    failure = failed_run(left, "it ended with exit code 1", ("adb",), ())
    assert failure.log.startswith("it ended with exit code 1; the HTP did not load libQnnHtpV")
    alone = failed_run(replace(left, logcat=""), "it ended", ("adb",), ())
    assert "of another QNN version than the libraries, or damaged" in alone.log


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [
        (1, "it ended with exit code 1"),
        (137, "it ended with exit code 137 (Killed)"),
        (139, "it ended with exit code 139 (Segmentation fault)"),
        (255, "it ended with exit code 255"),
        (-1, "it ended with exit code -1"),
    ],
)
def test_the_signal_that_ended_a_run_is_named(
    tokenizer: Tokenizer, exit_code: int, reason: str
) -> None:
    with pytest.raises(UnusableRun) as unusable:
        read_answer("q", replace(GOOD, exit_code=exit_code), DIALOGUE, tokenizer)
    assert str(unusable.value) == reason


def test_a_run_that_the_system_ended_is_explained_without_a_line_in_its_log() -> None:
    left = LeftBehind("", None, None, exit_code=137)
    failure = failed_run(left, "it ended with exit code 137 (Killed)", ("adb",), ())
    assert "as it does for lack of memory" in failure.log
