"""Which turn is timed: the usual one, or the longest that a runner's answers allow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.devices.device import TakeAnswer, wait_for_all
from harness.judging.failures import BLOCKING, AnswersTooShort
from harness.judging.questions import PictureQuestion
from harness.judging.timed_turn import DECODED_TOKENS, own_workload
from harness.measure.run_stats import RunStats
from harness.runtime.generation import Generation, Turn
from harness.runtime.request import Request, RunOptions
from suites.harness.fixtures.conftest import hollow_artifact

USUAL = "What do you see in the picture?"
QUESTIONS = (
    PictureQuestion("a", "count", "Count the shapes.", "Two.", Path("a.png")),
    PictureQuestion("b", "describe", USUAL, "The picture shows ...", Path("b.png")),
)


class Talker:
    """A device whose runner ends at stop tokens, unless it can ignore them.

    Args:
        lengths: Steps of its answers by prompt, and by artifact key where they differ; 10 else.
        lacks: What its runner has no switch for.
        passes: Tokens of a pass of lookahead by artifact key; 1 else.
    """

    serial = "PHONE-A"

    def __init__(
        self,
        lengths: dict[str, int | dict[str, int]],
        lacks: frozenset[str] = frozenset(),
        passes: dict[str, int] | None = None,
    ) -> None:
        self.lacks = lacks
        self._lengths = lengths
        self.passes = passes or {}
        self.asked: list[str] = []

    def run(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        take: TakeAnswer = wait_for_all,
    ) -> tuple[Generation, ...]:
        """Answer one request, with a text that tokenizes into whatever number of tokens."""
        (request,) = requests
        assert not options.ignore_eos
        prompt = request.prompts[0].removeprefix("<image>")
        self.asked.append(prompt)
        length = self._lengths.get(prompt, 10)
        told = length if isinstance(length, int) else length[artifact.manifest.key]
        cap = options.max_new_tokens
        passes = self.passes.get(artifact.manifest.key, 1) if options.mode == "lookahead" else 1
        if cap is not None:
            # A pass goes to its end.
            told = min(told, -(-cap // passes) * passes)
        stats = RunStats(
            prompt_tokens=40,
            generated_tokens=told,
            load_ms=1,
            prompt_eval_ms=1,
            ttft_ms=1,
            decode_ms=1,
            inference_ms=2,
            sampling_ms=0,
        )
        turn = Turn(echo="", text="", token_ids=(1, 2), stats=stats, is_retokenized=True)
        return (Generation(request_id=request.id, turns=(turn,)),)


BOUND = frozenset({"ignore_eos"})


@pytest.fixture
def artifacts(tmp_path: Path) -> tuple[Artifact, ...]:
    """Two, by their keys."""
    folders = (hollow_artifact(tmp_path / key, key=key * 64) for key in "ab")
    return tuple(map(open_artifact, folders))


def test_a_runner_that_ignores_stop_tokens_takes_the_usual_turn(
    artifacts: tuple[Artifact, ...],
) -> None:
    device: Any = Talker({USUAL: 5})
    workload = own_workload(device, artifacts[:1], "kv", QUESTIONS)
    assert workload.request.prompts == (f"<image>{USUAL}",)
    assert workload.options.ignore_eos
    assert workload.options.max_new_tokens == DECODED_TOKENS
    assert workload.label is None
    assert device.asked == []


def test_an_answer_that_is_long_enough_makes_the_usual_turn_as_well(
    artifacts: tuple[Artifact, ...],
) -> None:
    device: Any = Talker({USUAL: 300}, BOUND)
    workload = own_workload(device, artifacts[:1], "kv", QUESTIONS)
    assert (workload.options.max_new_tokens, workload.label) == (DECODED_TOKENS, None)
    assert workload.options.ignore_eos is False
    assert workload.options.warmup == 1
    assert device.asked == [USUAL]


def test_a_prompt_with_a_longer_answer_is_looked_for_first(
    artifacts: tuple[Artifact, ...],
) -> None:
    device: Any = Talker({USUAL: 66, "Tell me everything about the picture.": 130}, BOUND)
    workload = own_workload(device, artifacts[:1], "kv", QUESTIONS)
    assert workload.options.max_new_tokens == DECODED_TOKENS
    assert workload.label == "128 steps of 'Tell me everything about the picture.'"
    assert device.asked[0] == USUAL
    assert workload.request.prompts == (f"<image>{device.asked[-1]}",)


def test_else_the_longest_answer_decides_how_many_steps_are_timed(
    artifacts: tuple[Artifact, ...],
) -> None:
    device: Any = Talker({USUAL: 66}, BOUND)
    workload = own_workload(device, artifacts[:1], "kv", QUESTIONS)
    assert (workload.options.max_new_tokens, workload.label) == (66, "66 steps")
    assert len(device.asked) == len(set(device.asked)) > 2


def test_both_legs_of_a_comparison_take_as_many_steps(artifacts: tuple[Artifact, ...]) -> None:
    device: Any = Talker({USUAL: {"a" * 64: 90, "b" * 64: 47}}, BOUND)
    workload = own_workload(device, artifacts, "kv", QUESTIONS)
    assert (workload.options.max_new_tokens, workload.label) == (47, "47 steps")


def test_lookahead_takes_as_many_steps_as_its_last_pass_gives(
    artifacts: tuple[Artifact, ...],
) -> None:
    device: Any = Talker({USUAL: 300}, BOUND, {"a" * 64: 5})
    workload = own_workload(device, artifacts[:1], "lookahead", QUESTIONS)
    assert (workload.options.max_new_tokens, workload.label) == (130, "130 steps")


def test_legs_with_passes_of_other_lengths_take_a_number_that_ends_a_pass_of_both(
    artifacts: tuple[Artifact, ...],
) -> None:
    device: Any = Talker({USUAL: 300}, BOUND, {"a" * 64: 5, "b" * 64: 3})
    workload = own_workload(device, artifacts, "lookahead", QUESTIONS)
    assert workload.options.max_new_tokens == 120


def test_legs_that_no_number_of_steps_fits_are_not_timed(
    artifacts: tuple[Artifact, ...],
) -> None:
    device: Any = Talker({USUAL: 300}, BOUND, {"a" * 64: 77, "b" * 64: 83})
    with pytest.raises(AnswersTooShort, match=r"No number from 32 to 154 .*with --mode hybrid"):
        own_workload(device, artifacts, "lookahead", QUESTIONS)


@pytest.mark.parametrize(("steps", "is_enough"), [(32, True), (31, False), (0, False)])
def test_a_few_steps_are_not_timed(
    artifacts: tuple[Artifact, ...], steps: int, is_enough: bool
) -> None:
    device: Any = Talker({USUAL: steps}, BOUND)
    if is_enough:
        assert own_workload(device, artifacts[:1], "kv", QUESTIONS).label == f"{steps} steps"
        return
    with pytest.raises(AnswersTooShort) as blocked:
        own_workload(device, artifacts[:1], "kv", QUESTIONS)
    assert isinstance(blocked.value, BLOCKING)
    assert f"'{USUAL}' {steps}" in str(blocked.value)
    assert "PHONE-A" in str(blocked.value)
    assert "give one that is answered at length with --prompt" in str(blocked.value)


@pytest.mark.parametrize("lacks", [frozenset[str](), BOUND])
def test_a_prompt_of_ones_own_is_another_population_everywhere(
    artifacts: tuple[Artifact, ...], lacks: frozenset[str]
) -> None:
    device: Any = Talker({"Tell a story.": 500}, lacks)
    workload = own_workload(device, artifacts[:1], "kv", QUESTIONS, "Tell a story.")
    assert workload.request.prompts == ("<image>Tell a story.",)
    assert workload.label == "128 steps of 'Tell a story.'"
    assert set(device.asked) <= {"Tell a story."}
