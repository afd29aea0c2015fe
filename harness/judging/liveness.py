"""Whether a model is alive, found by a few answers before a session judges what it weighs or takes.

A file's size and a runner's speed are those of a model that works, or nobody's: one whose weights
are no numbers is as small and as fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from harness.artifacts.artifact import Artifact
from harness.checkpoint_source import find_checkpoint
from harness.devices.device import Device
from harness.judging.failures import DeadModel
from harness.judging.interview import plain
from harness.judging.questions import PictureQuestion, Scenes
from harness.judging.session_cache import SessionCache
from harness.measure.degenerate_answer import degeneracy
from harness.miniatures.questions import KINDS
from harness.runtime.generation import Turn
from harness.runtime.request import RunOptions
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer
from harness.vlm.upstream_stops import stop_texts
from harness.vocabulary import Mode

_STEPS = 16
"""Decode steps of an answer: enough for a repetition, and for the short kinds of answer whole."""

_ROUNDS = 2
"""Questions of each kind."""

_AT_LENGTH = "describe"


@dataclass
class Liveness:
    """Looks once at each artifact of a session.

    Attributes:
        device: Where it is asked.
        scenes: What it is asked about.
    """

    device: Device
    scenes: Scenes
    _looked: SessionCache[tuple[str, Mode], None] = field(default_factory=SessionCache, init=False)

    def require(self, model: VlmSpec, artifact: Artifact, mode: Mode) -> None:
        """Refuse to judge a model that is dead.

        Raises:
            DeadModel: If its answers say nothing, do not depend on the picture, or are wrong where
                right ones are known.
            RunFailure: If a run breaks, as it does where a tensor holds no numbers.
        """
        key = (artifact.manifest.key, mode)
        self._looked.get(key, lambda: self._look(model, artifact, mode))

    def _look(self, model: VlmSpec, artifact: Artifact, mode: Mode) -> None:
        drawn = self.scenes.questions(count=_ROUNDS * len(KINDS))
        first, *others = (one for one in drawn if one.kind == _AT_LENGTH)
        # One prompt about different pictures.
        asked = [first, *(replace(one, prompt=first.prompt) for one in others)]
        if _knows_the_scenes(model, artifact):
            asked += (one for one in drawn if one.kind != _AT_LENGTH)
        has_margins = "record_margins" not in self.device.lacks
        options = RunOptions(mode=mode, max_new_tokens=_STEPS, record_margins=has_margins)
        requests = [question.request() for question in asked]
        answers = self.device.run(artifact, requests, options)
        turns = dict(zip(asked, (answer.last for answer in answers), strict=True))
        tokenizer = Tokenizer(artifact.tokenizer_path)
        stops = stop_texts(tokenizer, model.family), tokenizer.stop_ids(model.family)
        if fault := _fault(turns, *stops):
            raise DeadModel(
                f"{artifact.directory} is a dead model in {mode} mode: {fault}; nothing of it is "
                "judged. Export it again from weights that are known to work."
            )


def _knows_the_scenes(model: VlmSpec, artifact: Artifact) -> bool:
    """Whether right answers can be expected: of a miniature with the weights it was given here."""
    if not model.is_miniature:
        return False
    from harness.checkpoint.checkpoint import open_checkpoint

    committed = open_checkpoint(find_checkpoint(model, None), model)
    return all(
        committed.component_sha256(entry.component) == entry.weights_sha256
        for entry in artifact.manifest.components
    )


def _fault(
    turns: dict[PictureQuestion, Turn], stops: Sequence[str], stop_ids: frozenset[int]
) -> str | None:
    """Why these answers are a dead model's, None if they may be a living one's."""
    nothing = [_degeneracy(turn, stops, stop_ids) for turn in turns.values()]
    if all(nothing):
        first = next(iter(turns.values())).text
        return (
            f"none of {len(turns)} answers says anything, the first is {first[:40]!r}: {nothing[0]}"
        )
    told = [turn for question, turn in turns.items() if question.kind == _AT_LENGTH]
    if _are_blind(told):
        return (
            "what it says of two pictures is the same to the last bit of its logits, so the picture"
            " does not reach it"
        )
    short = {one: turn for one, turn in turns.items() if one.kind != _AT_LENGTH}
    right = sum(one.is_right(plain(turn.text, stops)) for one, turn in short.items())
    if short and 2 * right < len(short):
        return f"{right} of {len(short)} answers are right, of a model that knows these scenes"
    return None


def _degeneracy(turn: Turn, stops: Sequence[str], stop_ids: frozenset[int]) -> str | None:
    said = [token for token in turn.token_ids if token not in stop_ids]
    return degeneracy(said, plain(turn.text, stops))


def _are_blind(turns: Sequence[Turn]) -> bool:
    seen = {(turn.token_ids, turn.top2_gaps) for turn in turns}
    return len(turns) > 1 and len(seen) == 1 and turns[0].top2_gaps is not None
