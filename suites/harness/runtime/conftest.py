"""What the runtime's tests share: tokenizers and artifacts of miniatures with random weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.artifacts.artifact import Artifact
from harness.export.exporter import export_artifact
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.vlm.mode import LookaheadShape
from harness.vlm.registry import get_spec
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode
from suites.harness.runtime.random_checkpoint import RandomModel, save_random_checkpoint


@pytest.fixture(scope="session", params=["tiny_smolvlm", "tiny_internvl3"])
def random_model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> RandomModel:
    """A checkpoint with random weights and its hybrid artifact, one per family."""
    return _export(get_spec(request.param), request.config, tmp_path_factory)


@pytest.fixture(scope="session")
def lookahead_model(random_model: RandomModel, request: pytest.FixtureRequest) -> RandomModel:
    """The same checkpoint with a lookahead artifact of AR 32."""
    artifact = _artifact(
        random_model.spec, random_model.checkpoint, request.config, "lookahead", (4, 5, 4)
    )
    return replace(random_model, artifact=artifact)


@pytest.fixture(scope="session")
def smolvlm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> RandomModel:
    """The one of the SmolVLM family, where one family is enough."""
    return _export(get_spec("tiny_smolvlm"), request.config, tmp_path_factory)


@pytest.fixture
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the runner's default file names are written."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def artifact(smolvlm: RandomModel) -> Artifact:
    """The hybrid artifact of ``smolvlm``."""
    return smolvlm.artifact


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Paths of two pictures of noise, of different shapes."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(7)
    paths = []
    for name, shape in (("left.png", (50, 70, 3)), ("right.png", (90, 64, 3))):
        Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(folder / name)
        paths.append(str(folder / name))
    return paths[0], paths[1]


def _export(
    spec: VlmSpec, config: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> RandomModel:
    """Export into pytest's own cache: the weights are always the same, so it is done once."""
    checkpoint = tmp_path_factory.mktemp(spec.name)
    save_random_checkpoint(spec, checkpoint)
    return RandomModel(spec, checkpoint, _artifact(spec, checkpoint, config))


def _artifact(
    spec: VlmSpec,
    checkpoint: Path,
    config: pytest.Config,
    mode: Mode = "hybrid",
    lookahead: tuple[int, int, int] | None = None,
) -> Artifact:
    assert config.cache is not None
    root = Path(config.cache.mkdir("random-miniatures"))
    shape = None if lookahead is None else LookaheadShape(*lookahead)
    request = ExportRequest(spec, checkpoint, Recipe(), mode=mode, lookahead=shape)
    return export_artifact(request, root, lambda component, stage: None).artifact
