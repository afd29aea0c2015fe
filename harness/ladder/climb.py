"""From an artifact and conversations to its ladder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from harness.artifacts.artifact import Artifact
from harness.backends.qnn.provider import activate
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.errors import UserError
from harness.export.exporter import export_tasks
from harness.export.request import ExportRequest
from harness.heartbeat import Tell
from harness.ladder.bounds import Bound, Bounds
from harness.ladder.comparison import Ladder, Rung, compare, likenesses, logits_of
from harness.ladder.exercise import Exercise
from harness.ladder.float_stage import FloatStage
from harness.ladder.free_answers import contradictions
from harness.ladder.signals import Reading, Signal
from harness.ladder.stages import (
    Tasks,
    file_stage,
    float_modules,
    is_rounded,
    recipe_modules,
)
from harness.measure.accuracy import sqnr_db
from harness.measure.likeness import Likeness, logit_likeness
from harness.runtime.request import Request
from harness.vocabulary import Component, Mode

MAX_TOKENS = 24
"""Of an answer: enough to cross passes of prefill and to end."""


class Stage(Protocol):
    """Something that a model can be at."""

    @property
    def name(self) -> str:
        """As a person tells it from others."""
        ...

    def read(self, exercise: Exercise) -> Reading:
        """Every signal that it has."""
        ...


@dataclass(frozen=True)
class Subject:
    """What is looked at.

    Attributes:
        checkpoint: The float model.
        artifact: Made from it, of files that run on this machine.
        tasks: What was done to make it.
        mode: It runs in, kv or hybrid.
    """

    checkpoint: Checkpoint
    artifact: Artifact
    tasks: Tasks
    mode: Mode


def climb(
    requests: Sequence[Request], subject: Subject, tell: Tell, max_tokens: int = MAX_TOKENS
) -> Ladder:
    """Put every stage of an artifact through conversations.

    Stages are loaded one after the other: two of a full-size model need not fit into memory.

    Args:
        requests: The conversations.
        subject: The artifact, and where it came from.
        tell: Shown to whoever waits.
        max_tokens: Most tokens of an answer.

    Raises:
        UserError: If a picture or file is unusable, or a weight or sample does not fit.
    """
    tell("float transformers: load")
    exercises = _exercises(requests, subject.checkpoint, max_tokens, tell)
    steps = _Steps(exercises, tell)
    bounds = Bounds({name: task.config.precision for name, task in subject.tasks.items()})
    context = subject.tasks["text_decoder"].config.context_length
    assert context is not None
    tell("float modules: load")
    steps.take(float_modules(subject.checkpoint, context), bounds.of_modules)
    itself: Mapping[Signal, Likeness] = {}
    if is_rounded(subject.tasks):
        tell("modules of the recipe: load")

        def report(component: Component, stage: str) -> None:
            tell(f"modules of the recipe: {component}: {stage}")

        modules = recipe_modules(subject.checkpoint, subject.tasks, report)
        readings = steps.take(modules, bounds.of_recipe)
        tell("modules of the recipe: what last digits make of them")
        itself = likenesses(readings, [modules.read_shaken(one) for one in exercises])
        del modules, readings
    tell("files: load")
    files = file_stage(subject.artifact, subject.checkpoint, subject.mode)

    def of_file(signal: Signal) -> Bound:
        return bounds.of_file(signal, itself.get(signal))

    readings = steps.take(files, of_file)
    said = [
        sentence
        for one, reading in zip(exercises, readings, strict=True)
        for sentence in contradictions(one, reading, files.answer(one))
    ]
    wanted = np.concatenate([logits_of(one.reading) for one in exercises])
    found = np.concatenate([logits_of(one) for one in readings])
    held = logit_likeness(list(wanted), list(found))
    return Ladder(tuple(steps.rungs), sqnr_db(wanted, found), held, tuple(said))


def subject_of(request: ExportRequest, artifact: Artifact, folder: Path) -> Subject:
    """An artifact that was exported, ready to be climbed in this process, QNN started for it.

    Args:
        request: What was exported.
        artifact: What it came to.
        folder: For what the stages write.

    Raises:
        UserError: If its files do not run on this machine, or QNN cannot be used.
    """
    if request.made_for.is_remote:
        raise UserError(
            f"Files for a {request.target} do not run on this machine; use --target host or "
            "--target emulator, which has the same graphs."
        )
    if request.made_for.backend.is_htp:
        activate(request.qnn_dir)
    tasks = export_tasks(request, folder, lambda component, stage: None)
    checkpoint = open_checkpoint(request.checkpoint, request.spec)
    return Subject(checkpoint, artifact, tasks, request.mode)


def _exercises(
    requests: Sequence[Request], checkpoint: Checkpoint, max_tokens: int, tell: Tell
) -> list[Exercise]:
    stage = FloatStage(checkpoint.spec, checkpoint.directory, max_tokens)
    exercises = []
    for number, request in enumerate(requests, 1):
        tell(f"{stage.name}: conversation {number} of {len(requests)}")
        exercises.append(stage.hold(request))
    return exercises


class _Steps:
    """What is known of each signal, stage by stage."""

    def __init__(self, exercises: Sequence[Exercise], tell: Tell) -> None:
        self._exercises = exercises
        self._tell = tell
        self._known = [dict(one.reading) for one in exercises]
        self.names = {signal: FloatStage.name for one in self._known for signal in one}
        self.rungs: list[Rung] = []

    def take(self, stage: Stage, bound_of: Callable[[Signal], Bound]) -> list[Reading]:
        """Hold a stage against those before it."""
        readings = []
        for number, one in enumerate(self._exercises, 1):
            self._tell(f"{stage.name}: conversation {number} of {len(self._exercises)}")
            readings.append(stage.read(one))
        self.rungs += compare(self._known, readings, self.names, stage.name, bound_of)
        for known, reading in zip(self._known, readings, strict=True):
            known.update(reading)
            self.names |= dict.fromkeys(reading, stage.name)
        return readings
