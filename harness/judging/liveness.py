"""Whether a model is alive, found by a few answers before a session judges what it weighs or takes.

A file's size and a runner's speed are those of a model that works, or nobody's: one whose weights
are no numbers is as small and as fast.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.artifacts.artifact import Artifact
from harness.checkpoint_source import find_checkpoint
from harness.devices.device import Device
from harness.judging.answer_reader import AnswerReader, dead_model, refuse_dead
from harness.judging.interview import MAX_NEW_TOKENS
from harness.judging.questions import PictureQuestion, Scenes
from harness.judging.session_cache import SessionCache
from harness.measure.dead_answers import FEWEST_PICTURES
from harness.miniatures.questions import KINDS
from harness.runtime.request import RunOptions
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode

_ROUNDS = 2
"""Questions of each kind."""

_FEW_OTHERS = 5
"""Questions of other kinds where nobody knows the right answers."""

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
    _looked: SessionCache[tuple[Path, Mode], None] = field(default_factory=SessionCache, init=False)

    def require(self, model: VlmSpec, artifact: Artifact, mode: Mode) -> None:
        """Refuse to judge a model that is dead.

        Raises:
            DeadModel: If its answers say nothing, do not depend on question or picture, or are
                wrong where right ones are known.
            RunFailure: If a run breaks, as it does where a tensor holds no numbers.
        """
        # Not by the key, which the manifest of another folder may say, too.
        key = (artifact.directory, mode)
        self._looked.get(key, lambda: self._look(model, artifact, mode))

    def _look(self, model: VlmSpec, artifact: Artifact, mode: Mode) -> None:
        questions = self._questions(model)
        has_margins = "record_margins" not in self.device.lacks
        options = RunOptions(mode=mode, max_new_tokens=MAX_NEW_TOKENS, record_margins=has_margins)
        requests = [question.request() for question in questions]
        answers = self.device.run(artifact, requests, options)
        reader = AnswerReader.of(artifact)
        said = [
            reader.said(question.prompt, str(question.image), answer.last)
            for question, answer in zip(questions, answers, strict=True)
        ]
        refuse_dead(artifact, mode, said)
        if not model.is_miniature:
            return
        given = zip(questions, said, strict=True)
        short = [(one, answer.text.strip()) for one, answer in given if one.kind != _AT_LENGTH]
        right = sum(one.is_right(text) for one, text in short)
        if right < _fewest_right(model, artifact, len(short)):
            why = (
                f"{right} of {len(short)} short answers are right, of a model that knows its scenes"
            )
            raise dead_model(artifact, mode, why)

    def _questions(self, model: VlmSpec) -> list[PictureQuestion]:
        """One prompt about several pictures, and others."""
        drawn = self.scenes.questions(count=_ROUNDS * len(KINDS))
        first = next(one for one in drawn if one.kind == _AT_LENGTH)
        others = [one for one in drawn if one.kind != _AT_LENGTH]
        shown = [first, *others[: FEWEST_PICTURES - 1]]
        at_length = [
            replace(first, id=f"{first.id}-{number}", image=one.image)
            for number, one in enumerate(shown)
        ]
        return at_length + (others if model.is_miniature else others[:_FEW_OTHERS])


def _fewest_right(model: VlmSpec, artifact: Artifact, asked: int) -> float:
    """Right answers that can be expected of a miniature, by whose weights it has.

    Half of them with those it was given here; one with some of them, or where nobody knows; none of
    another checkpoint.
    """
    from harness.checkpoint.checkpoint import open_checkpoint

    committed = open_checkpoint(find_checkpoint(model, None), model)
    are_ours = [
        entry.weights_sha256 is None
        or entry.weights_sha256 == committed.component_sha256(entry.component)
        for entry in artifact.manifest.components
    ]
    if not any(are_ours):
        return 0
    is_certain = all(entry.weights_sha256 for entry in artifact.manifest.components)
    return asked / 2 if all(are_ours) and is_certain else 1
