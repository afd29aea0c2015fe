"""From an artifact and conversations to its ladder."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.artifacts.artifact import Artifact
from harness.backends.qnn.provider import activate
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.errors import UserError
from harness.export.exporter import export_tasks
from harness.export.inputs.build_config import BuildConfig
from harness.export.request import ExportRequest
from harness.heartbeat import Tell
from harness.ladder.bounds import Bounds, LeastLikeness
from harness.ladder.comparison import Ladder, Rung, compare, likenesses, total_likeness
from harness.ladder.exercise import Exercise
from harness.ladder.file_stage import FileStage
from harness.ladder.float_stage import FloatStage
from harness.ladder.free_answers import contradictions, same_answers
from harness.ladder.module_stage import ModuleStage
from harness.ladder.signals import INNER, Reading, Signal
from harness.ladder.stages import (
    RECIPE,
    Tasks,
    file_stage,
    float_modules,
    is_rounded,
    recipe_modules,
)
from harness.measure.likeness import Likeness
from harness.runtime.request import Request
from harness.vocabulary import Component, Mode

MAX_TOKENS = 24
"""Of an answer: enough to cross passes of prefill and to end."""


class ModelStage(Protocol):
    """Something that a model can be at."""

    @property
    def name(self) -> str:
        """As a person tells it from others."""
        ...

    def read(self, exercise: Exercise) -> Reading:
        """Every signal that it has."""
        ...


@dataclass(frozen=True)
class PlacedStage:
    """A stage and what is asked of it.

    Attributes:
        stage: Loaded.
        bound_of: Of a signal, given what the recipe's modules keep of it themselves, where the
            stage is held against these.
    """

    stage: ModelStage
    bound_of: Callable[[Signal, Likeness | None], LeastLikeness]


@dataclass(frozen=True)
class LadderSubject:
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


def exercises_of(
    requests: Sequence[Request], subject: LadderSubject, tell: Tell, max_tokens: int = MAX_TOKENS
) -> list[Exercise]:
    """Let the float model hold conversations.

    Args:
        requests: The conversations.
        subject: What will be put through them, and the float model of it.
        tell: Shown to whoever waits.
        max_tokens: Most tokens of an answer.

    Raises:
        UserError: If a picture is unusable, pictures do not match prompts, or the context is too
            short.
    """
    tell("float transformers: load")
    checkpoint, config = subject.checkpoint, subject.tasks["text_decoder"].config
    stage = FloatStage(checkpoint.spec, checkpoint.directory, max_tokens)
    exercises = []
    for number, request in enumerate(requests, 1):
        tell(f"{stage.name}: conversation {number} of {len(requests)}")
        exercises.append(stage.hold(request))
        _check_fits(exercises[-1], config)
    return exercises


def _check_fits(exercise: Exercise, config: BuildConfig) -> None:
    assert config.context_length is not None
    room = config.context_length - max(config.decode_ar, config.prefill_ar or 1)
    if exercise.tokens > room:
        raise UserError(
            f"A conversation of the ladder takes {exercise.tokens} tokens, and a context of "
            f"{config.context_length} holds {room} of one; give a larger --context."
        )


def stages_of(subject: LadderSubject, tell: Tell) -> Iterator[PlacedStage]:
    """Load the stages of an artifact behind the float model, each when it is asked for.

    Two of a full-size model need not fit into memory.

    Raises:
        UserError: If a file is unusable, or a weight or sample does not fit.
    """
    bounds = Bounds({name: task.config.precision for name, task in subject.tasks.items()})
    context = subject.tasks["text_decoder"].config.context_length
    assert context is not None
    tell("float modules: load")
    modules = float_modules(subject.checkpoint, context)
    yield PlacedStage(modules, lambda signal, itself: bounds.of_modules(signal))
    del modules
    if is_rounded(subject.tasks):
        tell("modules of the recipe: load")

        def report(component: Component, stage: str) -> None:
            tell(f"modules of the recipe: {component}: {stage}")

        rounded = recipe_modules(subject.checkpoint, subject.tasks, report)
        yield PlacedStage(rounded, lambda signal, itself: bounds.of_recipe(signal))
        del rounded
    tell("files: load")
    files = file_stage(subject.artifact, subject.checkpoint, subject.mode)
    yield PlacedStage(files, bounds.of_file)


def climb(exercises: Sequence[Exercise], stages: Iterable[PlacedStage], tell: Tell) -> Ladder:
    """Put every stage of an artifact through what the float model has been put through.

    Args:
        exercises: Of the float model.
        stages: Behind it, files last.
        tell: Shown to whoever waits.

    Raises:
        UserError: If a picture or file is unusable.
    """
    steps = _Steps(exercises, tell)
    said: list[str] = []
    same: list[bool] = []
    for placed in stages:
        steps.take(placed)
        stage = placed.stage
        if isinstance(stage, FileStage):
            said += dict.fromkeys(stage.refusals)
            stage.refusals.clear()
            if not said and all(rung.holds for rung in steps.rungs):
                for one in exercises:
                    answers = stage.answer(one)
                    said += contradictions(one, answers)
                    same += same_answers(one, answers)
        # The next one is loaded when it is asked for, and this one is let go before.
        del placed, stage
    decibel, held = total_likeness([one.reading for one in exercises], steps.readings)
    share = statistics.fmean(same) if same else None
    return Ladder(tuple(steps.rungs), decibel, held, share, tuple(said))


def subject_of(request: ExportRequest, artifact: Artifact, folder: Path) -> LadderSubject:
    """An artifact that was exported, ready to be climbed in this process, QNN started for it.

    Args:
        request: What was exported, for a target whose files run on this machine.
        artifact: What it came to.
        folder: For what the stages write.

    Raises:
        UserError: If QNN cannot be used.
    """
    if request.made_for.backend.is_htp:
        activate(request.qnn_dir)
    tasks = export_tasks(request, folder, lambda component, stage: None)
    checkpoint = open_checkpoint(request.checkpoint, request.spec)
    return LadderSubject(checkpoint, artifact, tasks, request.mode)


class _Steps:
    """What is known of each signal, stage by stage.

    Attributes:
        rungs: Of all stages until now.
        readings: Of the last stage, by exercise.
    """

    def __init__(self, exercises: Sequence[Exercise], tell: Tell) -> None:
        self._exercises = exercises
        self._tell = tell
        self._known = [dict(one.reading) for one in exercises]
        self._names = {signal: FloatStage.name for one in self._known for signal in one}
        self._itself: Mapping[Signal, Likeness] = {}
        self.rungs: list[Rung] = []
        self.readings: list[Reading] = []

    def take(self, placed: PlacedStage) -> None:
        """Hold a stage against those before it."""
        stage, readings = placed.stage, list[Reading]()
        for number, one in enumerate(self._exercises, 1):
            self._tell(f"{stage.name}: conversation {number} of {len(self._exercises)}")
            readings.append(stage.read(one))

        def bound_of(signal: Signal) -> LeastLikeness:
            return placed.bound_of(signal, self._itself.get(signal))

        def owed(signal: Signal) -> bool:
            return isinstance(stage, FileStage) and signal.name not in INNER

        self.rungs += compare(self._known, readings, self._names, stage.name, bound_of, owed)
        for known, reading in zip(self._known, readings, strict=True):
            known.update(reading)
            self._names |= dict.fromkeys(reading, stage.name)
        if isinstance(stage, ModuleStage) and stage.name == RECIPE:
            self._tell(f"{stage.name}: what last digits make of them")
            shaken = [stage.read_shaken(one) for one in self._exercises]
            self._itself = likenesses(readings, shaken)
        self.readings = readings
