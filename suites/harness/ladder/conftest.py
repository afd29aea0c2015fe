"""A living miniature and what its ladder is asked, for all tests of ladders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.checkpoint.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoint_source import find_calibration
from harness.export.exporter import export_artifact
from harness.export.recipe import default_recipe, parse_precision
from harness.export.request import ExportRequest
from harness.heartbeat import tell_nobody
from harness.ladder.climb import LadderSubject, climb, exercises_of, stages_of, subject_of
from harness.ladder.comparison import Ladder
from harness.ladder.conversations import scene_conversations
from harness.ladder.exercise import Exercise
from harness.miniatures.committed import checkpoint_path
from harness.runtime.request import Request
from harness.targets.registry import get_target
from harness.vlm.registry import get_spec
from harness.vocabulary import Mode, Target

MAX_TOKENS = 16

MakeSubject = Callable[..., LadderSubject]
Climb = Callable[[LadderSubject], Ladder]


@pytest.fixture(scope="session")
def cache(pytestconfig: pytest.Config) -> Path:
    """Artifacts that outlive the session."""
    assert pytestconfig.cache is not None
    return Path(pytestconfig.cache.mkdir("ladders"))


def request_of(
    model: str = "tiny_smolvlm",
    precision: str | None = None,
    target: Target = "host",
    mode: Mode = "hybrid",
) -> ExportRequest:
    """An export of a miniature."""
    spec = get_spec(model)
    recipe = parse_precision(precision, default_recipe(get_target(target)))
    return ExportRequest(
        spec=spec,
        checkpoint=checkpoint_path(model),
        recipe=recipe,
        mode=mode,
        target=target,
        calibration=find_calibration(spec, None) if recipe.takes_samples else None,
    )


@pytest.fixture(scope="session")
def exported(cache: Path) -> Callable[[ExportRequest], Artifact]:
    """Exports what a request asks for."""
    return lambda request: export_artifact(request, cache, lambda component, stage: None).artifact


@pytest.fixture(scope="session")
def make_subject(
    exported: Callable[[ExportRequest], Artifact], tmp_path_factory: pytest.TempPathFactory
) -> MakeSubject:
    """Exports a miniature for a ladder of this process."""

    def make(**wanted: str) -> LadderSubject:
        request = request_of(**wanted)  # type: ignore[arg-type]  # words of a vocabulary
        return subject_of(request, exported(request), tmp_path_factory.mktemp("tasks"))

    return make


@pytest.fixture(scope="session")
def smolvlm(make_subject: MakeSubject) -> LadderSubject:
    """``tiny_smolvlm`` in float32 for the CPU."""
    return make_subject()


@pytest.fixture(scope="session")
def conversations(tmp_path_factory: pytest.TempPathFactory) -> tuple[Request, ...]:
    """Few, so that a ladder takes seconds."""
    return scene_conversations(2, tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="session")
def exercises(smolvlm: LadderSubject, conversations: tuple[Request, ...]) -> Sequence[Exercise]:
    """What the float model makes of them, which no fault reaches."""
    return exercises_of(conversations, smolvlm, tell_nobody, MAX_TOKENS)


@pytest.fixture
def climbed(exercises: Sequence[Exercise]) -> Climb:
    """Climbs a ladder of the same model."""
    return lambda subject: climb(exercises, stages_of(subject, tell_nobody), tell_nobody)


def checkpoint_of(artifact: Artifact) -> Checkpoint:
    """The committed checkpoint that a miniature's artifact was made from."""
    model = artifact.manifest.model
    return open_checkpoint(checkpoint_path(model), get_spec(model))
