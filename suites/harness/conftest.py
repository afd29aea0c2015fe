"""What the tests of several rooms share."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact
from harness.export.exporter import export_artifact
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.vlm.registry import get_spec
from suites.harness.runtime.random_checkpoint import save_random_checkpoint


@pytest.fixture(scope="session")
def random_smolvlm(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    """A hybrid artifact of ``tiny_smolvlm`` with random weights, kept in pytest's own cache."""
    spec = get_spec("tiny_smolvlm")
    checkpoint = tmp_path_factory.mktemp("random-smolvlm")
    save_random_checkpoint(spec, checkpoint)
    assert pytestconfig.cache is not None
    root = Path(pytestconfig.cache.mkdir("random-miniatures"))
    request = ExportRequest(spec, checkpoint, Recipe())
    return export_artifact(request, root, lambda component, stage: None).artifact


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Programs that the tests start can be interrupted, even if the session itself cannot.

    A shell starts background jobs with SIGINT ignored, and every child would inherit that.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
