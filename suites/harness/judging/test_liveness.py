"""What a session does not judge: models that answer as no living one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.checkpoint.checkpoint import open_checkpoint
from harness.devices.device import TakeAnswer, wait_for_all
from harness.judging.failures import TOLD_IN_WORDS, DeadModel
from harness.judging.liveness import Liveness
from harness.judging.questions import Scenes
from harness.measure.run_stats import RunStats
from harness.miniatures.committed import checkpoint_path
from harness.miniatures.questions import Question
from harness.miniatures.scenes import evaluation_samples
from harness.runtime.generation import Generation, Turn
from harness.runtime.request import Request, RunOptions
from harness.vlm.registry import get_spec
from harness.vlm.tokenizer import Tokenizer
from harness.vocabulary import COMPONENTS, Component
from suites.harness.fixtures.conftest import hollow_artifact

TINY = get_spec("tiny_smolvlm")
TOKENIZER = Tokenizer(checkpoint_path(TINY.name) / "tokenizer.json")
STOP = TINY.family.stop_tokens[0]
NAMES = ("red", "blue", "green", "yellow", "purple", "orange")

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


def look(device: Speaker, artifact: Artifact, tmp_path: Path, name: str = "tiny_smolvlm") -> None:
    liveness = Liveness(device, Scenes(6, tmp_path))  # type: ignore[arg-type]
    liveness.require(get_spec(name), artifact, "kv")


def questions(count: int) -> list[Question]:
    return [sample.question for sample in evaluation_samples(count)]


@pytest.mark.parametrize(
    ("say", "fault"),
    [
        (lambda number: (STOP, number), "the stop token comes first"),
        (lambda number: (f"   {STOP}", number), "it is empty"),
        (lambda number: (" red" * 20, number), "again and again"),
        (lambda number: ("The red square stands left. " * 20, number), "always the same"),
        (lambda number: (f"{NAMES[number // 3]} square{STOP}", 1.5), "picture does not reach it"),
    ],
)
@pytest.mark.parametrize("name", ["tiny_smolvlm", "smolvlm_500m"])
def test_a_dead_model_is_named_with_its_fault(
    artifact: Artifact, tmp_path: Path, say: Say, fault: str, name: str
) -> None:
    with pytest.raises(DeadModel, match=f"artifact is a dead model in kv mode: .*{fault}"):
        look(Speaker(say), artifact, tmp_path, name)


@pytest.mark.parametrize(
    ("say", "lacks"),
    [
        (lambda number: (f"{NAMES[number // 3]} square{STOP}", number), frozenset()),
        (lambda number: (" red" * 20 if number else f"a cat{STOP}", number), frozenset()),
        (lambda number: (f"{NAMES[number // 3]}{STOP}", 1.5), frozenset({"record_margins"})),
        (lambda number: (f"{'No.' if number else 'no, no'}{STOP}", number), frozenset()),
    ],
    ids=["other logits", "one answer is enough", "logits are not told", "short ones"],
)
@pytest.mark.parametrize("name", ["tiny_smolvlm", "smolvlm_500m"])
def test_what_may_be_alive_is_judged(
    artifact: Artifact, tmp_path: Path, say: Say, lacks: frozenset[str], name: str
) -> None:
    look(Speaker(say, lacks), artifact, tmp_path, name)


def test_one_prompt_is_asked_about_three_pictures_and_only_once(
    artifact: Artifact, tmp_path: Path
) -> None:
    device = Speaker(lambda number: (f"red square{STOP}", 1.5))
    liveness = Liveness(device, Scenes(6, tmp_path))  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(DeadModel):
            liveness.require(TINY, artifact, "kv")
    ((first, second, third, *_),) = device.runs
    assert first == second == third


def test_artifacts_whose_manifests_say_the_same_are_looked_at_each(
    artifact: Artifact, tmp_path: Path
) -> None:
    """Of a comparison one side may be a changed copy of the other."""
    device = Speaker(lambda number: (f"{NAMES[number // 3]} square{STOP}", number))
    liveness = Liveness(device, Scenes(6, tmp_path))  # type: ignore[arg-type]
    for one in (artifact, replace(artifact, directory=tmp_path)):
        (tmp_path / "tokenizer.json").write_bytes(artifact.tokenizer_path.read_bytes())
        liveness.require(TINY, one, "kv")
    assert len(device.runs) == 2


@pytest.mark.parametrize(
    ("weights", "right", "is_dead"),
    [
        ({component: "committed" for component in COMPONENTS}, 5, False),
        ({component: "committed" for component in COMPONENTS}, 4, True),
        (dict.fromkeys(COMPONENTS), 1, False),
        (dict.fromkeys(COMPONENTS), 0, True),
        ({"vision_encoder": "committed", "token_embedding": "0" * 64}, 0, True),
        ({"vision_encoder": "committed", "token_embedding": "0" * 64}, 1, False),
        ({}, 0, False),
    ],
    ids=["half", "fewer", "foreign, one", "foreign, none", "in part", "in part, one", "another's"],
)
def test_a_miniature_answers_as_well_as_its_weights_let_expect(
    artifact: Artifact,
    tmp_path: Path,
    weights: dict[Component, str | None],
    right: int,
    is_dead: bool,
) -> None:
    committed = open_checkpoint(checkpoint_path(TINY.name), TINY)
    entries = tuple(
        entry.model_copy(
            update={
                "weights_sha256": committed.component_sha256(entry.component)
                if weights.get(entry.component, "0" * 64) == "committed"
                else weights.get(entry.component, "0" * 64)
            }
        )
        for entry in artifact.manifest.components
    )
    manifest = artifact.manifest.model_copy(update={"components": entries})
    short = [one.answer for one in questions(12) if one.kind != "describe"]

    def say(number: int) -> tuple[str, float]:
        answer = short[number - 3] if 3 <= number < 3 + right else f"{NAMES[number // 3]} something"
        return f"{answer}{STOP}", number

    judged = replace(artifact, manifest=manifest)
    if not is_dead:
        look(Speaker(say), judged, tmp_path)
        return
    with pytest.raises(DeadModel, match=f"{right} of 10 short answers are right"):
        look(Speaker(say), judged, tmp_path)


def test_a_dead_model_is_red() -> None:
    assert DeadModel in TOLD_IN_WORDS
