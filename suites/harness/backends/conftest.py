"""Small programs that Qualcomm's compiler made, and processes that may load its libraries."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from filelock import FileLock

from harness.backends.qnn.probe import probe_qnn
from harness.backends.qnn.provider import QnnInfo
from harness.errors import UserError

ROOT = Path(__file__).parents[3]
MAKER = Path(__file__).with_name("small_programs.py")

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run_python() -> RunPython:
    """Run a script in a process of its own: what loads QNN must not load it into pytest's."""

    def run(
        script: str, *arguments: object, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300
        )

    return run


@pytest.fixture(scope="session")
def qnn() -> QnnInfo:
    """The QNN of this machine; tests that need it are skipped with the reason where it has none."""
    try:
        return probe_qnn()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def small_programs(qnn: QnnInfo, pytestconfig: pytest.Config) -> Path:
    """Folder with ``emulator.pte`` and ``phone.pte`` for SM8650, kept in pytest's own cache.

    Each has the methods ``kv_forward`` and ``prefill_forward`` of one small float16 network.
    """
    assert pytestconfig.cache is not None
    made_by = f"{qnn.build_id} {version('executorch')}".encode()
    key = hashlib.sha256(MAKER.read_bytes() + made_by).hexdigest()[:12]
    folder = Path(pytestconfig.cache.mkdir("qnn-programs")) / key
    with FileLock(f"{folder}.lock"):
        if not (folder / "phone.pte").is_file():
            folder.mkdir(exist_ok=True)
            command = [sys.executable, str(MAKER), str(folder)]
            subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    return folder


@pytest.fixture
def no_numbers_of_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """By which traces of a run name them: they count nodes on the way to the program."""
    from executorch.exir.passes.debug_handle_generator_pass import DebugHandleGeneratorPass
    from torch.fx import GraphModule
    from torch.fx.passes.infra.pass_base import PassResult

    number = DebugHandleGeneratorPass.call

    def call(self: DebugHandleGeneratorPass, graph_module: GraphModule) -> PassResult:
        result: PassResult = number(self, graph_module)
        for node in graph_module.graph.nodes:
            if "debug_handle" in node.meta:
                node.meta["debug_handle"] = 1
        return result

    monkeypatch.setattr(DebugHandleGeneratorPass, "call", call)
