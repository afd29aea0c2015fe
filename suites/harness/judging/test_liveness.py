"""What a session does not judge: models that answer as no living one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.devices.device import TakeAnswer, wait_for_all
from harness.judging.failures import TOLD_IN_WORDS, DeadModel
from harness.judging.liveness import Liveness
from harness.judging.questions import Scenes
from harness.measure.run_stats import RunStats
from harness.miniatures.committed import checkpoint_path
from harness.runtime.generation import Generation, Turn
from harness.runtime.request import Request, RunOptions
from harness.vlm.registry import get_spec
from harness.vlm.tokenizer import Tokenizer
from suites.harness.fixtures.conftest import hollow_artifact

TINY = get_spec("tiny_smolvlm")
TOKENIZER = Tokenizer(checkpoint_path(TINY.name) / "tokenizer.json")
STOP = TINY.family.stop_tokens[0]

Say = Callable[[int], tuple[str, float]]


class Speaker:
    """A device that says to each request what it is told to.

    Args:
        say: Text and gap of the first token, by the request's number.
        lacks: What its runner has no switch for.
    """

    def __init__(self, say: Say, lacks: frozenset[str] = frozenset()) -> None:
        self.lacks = lacks
        self.runs: list[list[str]] = []
        self._say = say

    def run(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        options: RunOptions,
        take: TakeAnswer = wait_for_all,
    ) -> tuple[Generation, ...]:
        """Answer in order."""
        self.runs.append([request.prompts[0] for request in requests])
        assert options.record_margins != ("record_margins" in self.lacks)
        return tuple(
            Generation(request_id=request.id, turns=(self._turn(*self._say(number)),))
            for number, request in enumerate(requests)
        )

    def _turn(self, text: str, gap: float) -> Turn:
        ids = tuple(TOKENIZER.encode(text))
        times = ("load_ms", "prompt_eval_ms", "ttft_ms", "decode_ms", "inference_ms", "sampling_ms")
        stats = RunStats(
            prompt_tokens=9, generated_tokens=len(ids) - 1, **dict.fromkeys(times, 1.0)
        )
        known: dict[str, Any] = {}
        if "record_margins" not in self.lacks:
            known = {"top2_gaps": (gap,) * len(ids), "runner_up_ids": (0,) * len(ids)}
        return Turn(echo="", text=text, token_ids=ids, stats=stats, **known)


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    """One with weights that nobody knows, and a tokenizer that tells its stop tokens."""
    opened = open_artifact(hollow_artifact(tmp_path / "artifact"))
    opened.tokenizer_path.unlink()
    opened.tokenizer_path.write_bytes((checkpoint_path(TINY.name) / "tokenizer.json").read_bytes())
    return opened


def look(device: Speaker, artifact: Artifact, tmp_path: Path) -> None:
    Liveness(device, Scenes(6, tmp_path)).require(TINY, artifact, "kv")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("say", "fault"),
    [
        (lambda number: (STOP, number), "the stop token comes first"),
        (lambda number: (f"   {STOP}", number), "it is empty"),
        (lambda number: (" red" * 20, number), "again and again"),
        (lambda number: (f"red square{STOP}", 1.5), "the picture does not reach it"),
    ],
)
def test_a_dead_model_is_named_with_its_fault(
    artifact: Artifact, tmp_path: Path, say: Say, fault: str
) -> None:
    with pytest.raises(DeadModel, match=f"artifact is a dead model in kv mode: .*{fault}"):
        look(Speaker(say), artifact, tmp_path)


@pytest.mark.parametrize(
    ("say", "lacks"),
    [
        (lambda number: (f"red square{STOP}", number), frozenset()),
        (lambda number: (" red" * 20 if number else f"a cat{STOP}", number), frozenset()),
        (lambda number: (f"red square{STOP}", 1.5), frozenset({"record_margins"})),
    ],
    ids=["other logits", "one answer is enough", "logits are not told"],
)
def test_what_may_be_alive_is_judged(
    artifact: Artifact, tmp_path: Path, say: Say, lacks: frozenset[str]
) -> None:
    look(Speaker(say, lacks), artifact, tmp_path)


def test_one_prompt_is_asked_about_two_pictures_and_only_once(
    artifact: Artifact, tmp_path: Path
) -> None:
    device = Speaker(lambda number: (f"red square{STOP}", 1.5))
    liveness = Liveness(device, Scenes(6, tmp_path))  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(DeadModel):
            liveness.require(TINY, artifact, "kv")
    ((first, second),) = device.runs
    assert first == second


def test_a_dead_model_is_red() -> None:
    assert DeadModel in TOLD_IN_WORDS
