"""What the tests of several rooms share."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import hypothesis
import psutil
import pytest
from tokenizers import Tokenizer as Engine

from harness.artifacts.artifact import Artifact
from harness.export.exporter import export_artifact
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.vlm.registry import get_spec
from harness.vlm.tokenizer import Tokenizer
from suites.harness.runtime.random_checkpoint import save_random_checkpoint
from training.tokenizer import build_tokenizer


def pytest_configure() -> None:
    """No example of a property is wrong for being slow: the machine may have other work."""
    hypothesis.settings.register_profile("patient", deadline=None)
    hypothesis.settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other work, whatever there is: gates of speed are proposed from quiet machines alone."""
    monkeypatch.setattr(psutil, "getloadavg", lambda: (0.0, 0.0, 0.0))


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


@pytest.fixture(scope="session")
def smolvlm_engine() -> Engine:
    """The tokenizer of ``tiny_smolvlm``, as the library has it."""
    return build_tokenizer(get_spec("tiny_smolvlm"))


@pytest.fixture(scope="session")
def tokenizer(smolvlm_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """The same one as the runner has it."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    smolvlm_engine.save(str(path))
    return Tokenizer(path)


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Programs that the tests start can be interrupted, even if the session itself cannot.

    A shell starts background jobs with SIGINT ignored, ``nohup`` what it starts with SIGHUP, and
    every child would inherit that. A handler is no child's: this session lives on without one.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda number, frame: None)
