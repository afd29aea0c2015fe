"""QNN starts in any process, whatever is loaded before and after, with nothing to set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.backends.qnn import provider
from harness.backends.qnn.libraries import QnnLibraries
from harness.backends.qnn.provider import QnnInfo
from harness.backends.qnn.shim import compiled_shim
from harness.errors import UserError
from suites.harness.backends.conftest import ROOT, RunPython

ACTIVATE = """
import sys
from pathlib import Path
from harness.backends.qnn.provider import activate
"""
CPP_EXCEPTION = """
import torch
try:
    torch.zeros(2) @ torch.zeros(3)
except RuntimeError as error:
    print("survived", type(error).__name__)
"""
CORRUPT_FILE = """
import executorch.extension.pybindings._C as bindings
try:
    bindings._load_program_from_buffer(b"no program " * 100)
except RuntimeError:
    print("survived a corrupt file")
"""
RUN = """
import numpy
from harness.runtime.program import Program

def run():
    method = Program(Path(sys.argv[1])).method("kv_forward")
    inputs = [numpy.ones(spec.shape, spec.dtype) for spec in method.inputs]
    print("ran", method.bind(inputs).execute()[0].shape)

run()
"""


def test_a_bare_environment_is_enough(
    qnn: QnnInfo, small_programs: Path, run_python: RunPython, tmp_path: Path
) -> None:
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    result = run_python(ACTIVATE + RUN, small_programs / "emulator.pte", environment=bare)
    assert "ran (1, 1, 64)" in result.stdout, result.stderr


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(
            [ACTIVATE, "activate()\n", CPP_EXCEPTION, CORRUPT_FILE, RUN], id="before torch"
        ),
        pytest.param(
            [ACTIVATE, CPP_EXCEPTION, CORRUPT_FILE, "activate()\n", RUN], id="after torch"
        ),
    ],
)
def test_exceptions_and_late_imports_are_survived_in_any_order(
    order: list[str], small_programs: Path, run_python: RunPython
) -> None:
    late = "import transformers, scipy.stats, pandas\n" + CPP_EXCEPTION + CORRUPT_FILE + RUN
    result = run_python("".join(order) + late, small_programs / "emulator.pte")
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("survived RuntimeError") == 2
    assert result.stdout.count("survived a corrupt file") == 2
    assert result.stdout.count("ran (1, 1, 64)") == 2


def test_activation_writes_nothing(qnn: QnnInfo, run_python: RunPython) -> None:
    result = run_python(ACTIVATE + "activate()")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_threads_share_one_activation(qnn: QnnInfo, run_python: RunPython) -> None:
    script = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(len({id(info) for info in pool.map(lambda _: activate(), range(32))}))
"""
    assert run_python(ACTIVATE + script).stdout == "1\n"


def test_the_same_libraries_may_be_named_again_but_not_others(
    qnn: QnnInfo, run_python: RunPython, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    others.mkdir()
    for name in ("libQnnHtp.so", "libQnnSystem.so"):
        (others / name).touch()
    script = """
from harness.errors import UserError
assert activate() is activate(Path(sys.argv[1]))
try:
    activate(Path(sys.argv[2]))
except UserError as error:
    print(error)
"""
    result = run_python(ACTIVATE + script, qnn.library_directory, others)
    assert result.stdout == (
        f"This process uses the QNN libraries in {qnn.library_directory} and cannot change to "
        f"those in {others}; start another process for them.\n"
    )


def test_libraries_that_cannot_be_loaded_are_a_sentence(
    qnn: QnnInfo, run_python: RunPython, tmp_path: Path
) -> None:
    for name in ("libQnnHtp.so", "libQnnSystem.so"):
        (tmp_path / name).write_bytes(b"no library")
    script = """
from harness.errors import UserError
try:
    activate(Path(sys.argv[1]))
except UserError as error:
    print(error)
"""
    stdout = run_python(ACTIVATE + script, tmp_path).stdout
    assert stdout.startswith(f"The QNN libraries in {tmp_path} cannot be loaded (")


@pytest.mark.parametrize(
    ("noexec", "sentence"),
    [
        ("cache", "the cache cache is mounted noexec, .*; set XDG_CACHE_HOME"),
        ("qnn", "that folder is mounted noexec; copy them and name the copy with --qnn-dir"),
        ("", r"this machine has no libc\+\+.so.1, .*; apt-get install libc\+\+1 libunwind8"),
    ],
)
def test_libraries_that_are_there_are_not_to_be_installed_again(
    monkeypatch: pytest.MonkeyPatch, noexec: str, sentence: str
) -> None:
    monkeypatch.setattr(provider, "is_noexec", lambda folder: folder == Path(noexec))
    reason = "libc++.so.1: cannot open shared object file: No such file or directory"
    libraries = QnnLibraries(Path("qnn"), "--qnn-dir")
    told = provider._not_loaded(libraries, Path("cache/shim.so"), reason)
    assert re.search(f"^The QNN libraries in qnn cannot be loaded.*{sentence}", told)
    assert "install them again" not in told


ASK_EXECUTORCH = """
activate()
from executorch.backends.qualcomm.utils.check_qnn_version import get_sdk_build_id
print(get_sdk_build_id())
"""


def test_executorch_is_told_of_an_sdk_only_inside_the_process(
    qnn: QnnInfo, run_python: RunPython
) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "QNN_SDK_ROOT"}
    result = run_python(ACTIVATE + ASK_EXECUTORCH, environment=environment)
    assert result.stdout.splitlines()[-1] == qnn.build_id


@pytest.mark.parametrize("form", ["the folder of the libraries", "a path from home"])
def test_executorch_finds_the_sdk_in_whatever_form_it_was_named(
    qnn: QnnInfo, run_python: RunPython, tmp_path: Path, form: str
) -> None:
    home, root = tmp_path / "home", str(qnn.library_directory)
    if form == "a path from home":
        root = "~/libraries"
        home.mkdir()
        (home / "libraries").symlink_to(qnn.library_directory)
    cache = {"HOME": str(home), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment = {**os.environ, **cache, "QNN_SDK_ROOT": root}
    result = run_python(ACTIVATE + ASK_EXECUTORCH, environment=environment)
    assert result.stdout.splitlines()[-1:] == [qnn.build_id], result.stderr


def test_a_cache_that_cannot_be_written_is_a_sentence(qnn: QnnInfo, run_python: RunPython) -> None:
    script = """
from harness.errors import UserError
try:
    activate()
except UserError as error:
    print(error)
"""
    environment = {**os.environ, "XDG_CACHE_HOME": "/proc/nowhere"}
    assert run_python(ACTIVATE + script, environment=environment).stdout == (
        "The cache /proc/nowhere/snapgate/qnn cannot be written (No such file or directory); make "
        "room in it, or set XDG_CACHE_HOME to a folder that can be written.\n"
    )


def test_the_shim_is_compiled_once_even_by_two_processes_at_once(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from harness.backends.qnn.shim import compiled_shim
print(compiled_shim(Path({str(tmp_path)!r})))
"""
    command = [sys.executable, "-c", script]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    paths = {process.communicate()[0].strip() for process in processes}
    assert paths == {str(path) for path in tmp_path.iterdir()}
    first = compiled_shim(tmp_path)
    built_at = first.stat().st_mtime_ns
    assert compiled_shim(tmp_path).stat().st_mtime_ns == built_at


def test_without_a_c_compiler_the_sentence_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no cc on PATH; type: sudo apt install gcc"):
        compiled_shim(tmp_path / "cache")


def test_a_shim_that_is_there_needs_no_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = compiled_shim(tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiled_shim(tmp_path / "cache") == built


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'dlfcn.h: no such file' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(UserError, match=r"could not build the bridge .*dlfcn\.h: no such file"):
        compiled_shim(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
