"""What is an answer: what a model says before its stop token, wherever the run ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.judging.answer_reader import AnswerReader, says_nothing
from harness.measure.run_stats import RunStats
from harness.measure.verdict import Status
from harness.miniatures.committed import checkpoint_path
from harness.runtime.generation import Turn
from harness.vlm.registry import get_spec
from harness.vlm.tokenizer import Tokenizer
from suites.harness.fixtures.conftest import hollow_artifact
from suites.harness.judging.benches import GivenDevice, Recorded, a_bench, a_workload

TINY = get_spec("tiny_smolvlm")
TOKENIZER = Tokenizer(checkpoint_path(TINY.name) / "tokenizer.json")
STOP = TINY.family.stop_tokens[0]


def a_turn(token_ids: tuple[int, ...]) -> Turn:
    times = ("load_ms", "prompt_eval_ms", "ttft_ms", "decode_ms", "inference_ms", "sampling_ms")
    steps = len(token_ids) - 1
    stats = RunStats(prompt_tokens=9, generated_tokens=steps, **dict.fromkeys(times, 1.0))
    return Turn(echo="", text=TOKENIZER.decode(token_ids), token_ids=token_ids, stats=stats)


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    """One that has a tokenizer."""
    opened = open_artifact(hollow_artifact(tmp_path / "artifact"))
    opened.tokenizer_path.unlink()
    opened.tokenizer_path.write_bytes(TOKENIZER.path.read_bytes())
    return opened


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (STOP + " red" * 127, "the stop token comes first"),
        (f" {STOP}" + " red" * 127, "it is empty"),
        (" red" * 128, "again and again"),
        (f"No.{STOP}" + " red" * 120, None),
        (f"no, no{STOP}" + " red" * 120, None),
        (f"The digit is one.{STOP}" * 16, None),
        ("The digit is one.", None),
    ],
)
def test_behind_the_stop_token_a_timed_answer_may_repeat_itself(
    artifact: Artifact, text: str, why: str | None
) -> None:
    told = says_nothing(artifact, a_turn(tuple(TOKENIZER.encode(text))))
    assert (told is None) if why is None else (why in (told or ""))


def test_what_is_said_is_text_and_tokens_up_to_the_stop_token(artifact: Artifact) -> None:
    ids = tuple(TOKENIZER.encode(f"red square{STOP} red"))
    said = AnswerReader.of(artifact).said("What?", "1.png", a_turn(ids))
    assert (said.text, said.token_ids) == (
        "red square",
        ids[: ids.index(TOKENIZER.encode(STOP)[0])],
    )


def test_no_run_counts_whose_answer_says_nothing(tmp_path: Path) -> None:
    device = GivenDevice([100.0] * 5)
    recorded = Recorded(device)
    bench = a_bench(device, tmp_path, [], runs=5)
    bench.workload = a_workload(device, "it is token 5 again and again")
    ended = bench.conclude("decode_tps", recorded.judge)
    assert ended.status is Status.BLOCKED
    assert "the answer says nothing: it is token 5 again and again (5 runs)" in ended.sentence
    assert not any(row.valid for row in recorded.of_kind("sample"))
