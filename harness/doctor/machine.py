"""What this machine has for exports and runs. Imports without torch."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs

from harness.backends.qnn.libraries import LICENCE_NOTE, find_libraries
from harness.backends.qnn.probe import probe_qnn
from harness.backends.qnn.shim import c_compiler
from harness.doctor.diagnosis import Diagnosis
from harness.errors import UserError

_PYTHONS = ((3, 11), (3, 12))
_HOST_PACKAGES = (
    "torch",
    "executorch",
    "torchao",
    "transformers",
    "huggingface-hub",
    "safetensors",
)
"""The extra ``host``."""
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
        *(_package(name) for name in _HOST_PACKAGES),
        *_qnn(qnn_dir),
        _compiler(),
        _cache("cache", cache),
        *_elsewhere(artifacts, cache),
    )


def _python(found: tuple[int, int]) -> Diagnosis:
    problem = None
    if found not in _PYTHONS:
        problem = "Snapgate needs Python 3.11 or 3.12; install one, then: python3.11 -m nox"
    return Diagnosis("Python", platform.python_version(), problem, problem is not None)


def _package(name: str) -> Diagnosis:
    try:
        return Diagnosis(name, version(name))
    except PackageNotFoundError:
        remedy = f"export and runs on this machine need {name}; type: pip install 'snapgate[host]'"
        return Diagnosis(name, "not installed", remedy, blocks_run=True)


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
    return Diagnosis(subject, f"{folder}: {used_mib:,.0f} MiB, {free_gib:,.1f} GiB free", problem)


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
