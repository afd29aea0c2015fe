"""What this machine has for exports and runs. Imports without torch."""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs
from packaging.requirements import Requirement

from harness.backends.qnn.libraries import LICENCE_NOTE, find_libraries
from harness.backends.qnn.probe import probe_qnn
from harness.backends.qnn.shim import c_compiler
from harness.doctor.diagnosis import Diagnosis
from harness.errors import UserError
from harness.finished_program import run_to_end
from harness.installation import PYTHONS, missing_packages, pip_command, requirements
from harness.mounts import is_noexec

_IMPORT_S = 120.0
_IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        print(name, type(error).__name__ + ":", *str(error).split(), sep=" ")
"""
"""Names the modules that cannot be imported, each in a line with the reason."""
_FREE_GIB_NEEDED = 2.0
"""Both miniatures with all their artifacts need less than 1 GiB."""


def machine_diagnoses(
    qnn_dir: Path | None = None, artifacts: Path | None = None
) -> tuple[Diagnosis, ...]:
    """Look at everything that export and runs on this machine need.

    Args:
        qnn_dir: QNN's libraries; None to look in the usual places.
        artifacts: The artifact cache; None for the one in the user's cache folder.
    """
    cache = Path(platformdirs.user_cache_dir("snapgate"))
    return (
        _python(sys.version_info[:2]),
        *(_package(name, wanted) for name, wanted in requirements("host").items()),
        _suites(),
        *_qnn(qnn_dir),
        _compiler(),
        _cache("cache", cache),
        _temporary(Path(tempfile.gettempdir())),
        *_elsewhere(artifacts, cache),
    )


def _python(found: tuple[int, int]) -> Diagnosis:
    problem = None
    if ".".join(map(str, found)) not in PYTHONS:
        problem = "Snapgate needs Python 3.11 or 3.12; install one, then: python3.11 -m nox"
    return Diagnosis("Python", platform.python_version(), problem, problem is not None)


def _package(name: str, wanted: str) -> Diagnosis:
    try:
        found = version(name)
    except PackageNotFoundError:
        remedy = f"export and runs on this machine need {name}; type: pip install 'snapgate[host]'"
        return Diagnosis(name, "not installed", remedy, blocks_run=True)
    if reason := _broken_packages().get(name):
        remedy = f"it cannot be imported ({reason}); type: {_reinstall(wanted)}"
        return Diagnosis(name, found, remedy, blocks_run=True)
    if not Requirement(wanted).specifier.contains(found, prereleases=True):
        remedy = f"Snapgate is made for {wanted}; type: {_reinstall(wanted)}"
        return Diagnosis(name, found, remedy)
    return Diagnosis(name, found)


def _reinstall(wanted: str) -> str:
    return shlex.join([sys.executable, "-m", "pip", "install", "--force-reinstall", wanted])


@functools.cache
def _broken_packages() -> dict[str, str]:
    """Packages of the extra ``host`` that are there and cannot be imported, with the reason.

    Asked once per process, in one of its own: what ends that one does not end the doctor.
    """
    modules = {name.replace("-", "_"): name for name in requirements("host")}
    there = [module for module in modules if importlib.util.find_spec(module) is not None]
    command = (sys.executable, "-c", _IMPORT, *there)
    try:
        asked = run_to_end(command, _IMPORT_S)
    except subprocess.TimeoutExpired:
        return {modules[there[0]]: f"not imported in {_IMPORT_S:.0f} s"} if there else {}
    if asked.returncode != 0:
        last = (asked.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        return {modules[there[0]]: f"Python ended with exit code {asked.returncode}: {last}"}
    told = (line.partition(" ") for line in asked.stdout.splitlines())
    return {modules[name]: reason for name, _, reason in told if name in modules}


def _suites() -> Diagnosis:
    lacking = missing_packages("suites")
    if not lacking:
        return Diagnosis("suites", "all packages are there")
    remedy = f"tests and reports need {', '.join(lacking)}; type: {pip_command('suites')}"
    return Diagnosis("suites", f"lacks {', '.join(lacking)}", remedy)


def _qnn(qnn_dir: Path | None) -> Iterator[Diagnosis]:
    try:
        libraries, info = find_libraries(qnn_dir), probe_qnn(qnn_dir)
    except UserError as error:
        yield Diagnosis("QNN", "not usable", str(error))
        return
    yield Diagnosis("QNN", f"{info.build_id} from {info.source}, {info.library_directory}")
    yield Diagnosis(
        "QNN licence", " ".join([LICENCE_NOTE, str(libraries.licence_file or "")]).strip()
    )


def _compiler() -> Diagnosis:
    try:
        return Diagnosis("C compiler", c_compiler())
    except UserError as error:
        return Diagnosis("C compiler", "none", str(error))


def _elsewhere(artifacts: Path | None, cache: Path) -> Iterator[Diagnosis]:
    if artifacts is not None and not artifacts.absolute().is_relative_to(cache):
        yield _cache("artifacts", artifacts.absolute())


def _cache(subject: str, folder: Path) -> Diagnosis:
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    existing = nearest if nearest.is_dir() else nearest.parent
    free_gib = shutil.disk_usage(existing).free / 2**30
    used_mib = _used_bytes(folder) / 2**20
    problem = None
    if free_gib < _FREE_GIB_NEEDED:
        problem = (
            f"{existing} has {free_gib:.1f} GiB left and a run may need {_FREE_GIB_NEEDED:.0f}; "
            f"delete {folder} or give --artifacts on another disk"
        )
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        kind = "cannot be written to" if nearest.is_dir() else "is no folder"
        problem = f"{nearest} {kind}; give --artifacts elsewhere or set XDG_CACHE_HOME"
    elif is_noexec(existing):
        problem = (
            f"{existing} is mounted noexec, and QNN's bridge to ExecuTorch is loaded from there; "
            "set XDG_CACHE_HOME to a folder that is not"
        )
    return Diagnosis(subject, f"{folder}: {used_mib:,.0f} MiB, {free_gib:,.1f} GiB free", problem)


def _temporary(folder: Path) -> Diagnosis:
    """Where virtual phones have their files, programs among them."""
    free_gib = shutil.disk_usage(folder).free / 2**30
    problem = None
    if is_noexec(folder):
        problem = (
            f"{folder} is mounted noexec, and virtual phones run programs from there; set TMPDIR "
            "to a folder that is not"
        )
    return Diagnosis("temporary files", f"{folder}: {free_gib:,.1f} GiB free", problem)


def _used_bytes(folder: Path) -> int:
    """Bytes on disk: a component and the artifacts that hold it are links to one file."""
    sizes = {}
    for path in folder.rglob("*"):
        # What an export builds meanwhile may be gone again.
        with suppress(FileNotFoundError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
