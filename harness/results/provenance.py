"""Where a number comes from: the machine, the package versions and the commit behind a session."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from harness.finished_program import run_to_end
from harness.results.rows.schema import HostInfo

#: Distributions whose version can change a measured number.
DISTRIBUTIONS = (
    "snapgate",
    "executorch",
    "torch",
    "torchao",
    "transformers",
    "tokenizers",
    "numpy",
    "pillow",
    "qai-appbuilder",
    "onnxruntime-qnn",
    "adbutils",
)
_GIT_TIMEOUT_S = 10
_DIRTY = "-dirty"


def describe_host() -> HostInfo:
    """Name the machine this process runs on."""
    return HostInfo(
        cpu_model=_cpu_model(Path("/proc/cpuinfo")),
        cores=psutil.cpu_count() or 1,
        memory_mib=psutil.virtual_memory().total // 2**20,
        os=f"{platform.system()} {platform.release()} {platform.machine()}",
    )


def package_versions(distributions: Sequence[str] = DISTRIBUTIONS) -> dict[str, str]:
    """Versions of Python and of those distributions that are installed."""
    versions = {"python": platform.python_version()}
    for name in distributions:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def git_commit(directory: Path) -> str | None:
    """Commit checked out in ``directory``, ``-dirty`` appended when files differ from it.

    Returns:
        None outside of a repository or without git.
    """
    try:
        commit = _git(directory, "rev-parse", "HEAD")
        changes = _git(directory, "status", "--porcelain")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}{_DIRTY}" if changes else commit


def working_tree(directory: Path) -> str | None:
    """What a clone holds: its commit, and a digest of what differs from it where something does.

    Returns:
        None outside of a repository or without git.
    """
    commit = git_commit(directory)
    if commit is None or not commit.endswith(_DIRTY):
        return commit
    digest = hashlib.sha256()
    try:
        digest.update(_git(directory, "diff", "--binary", "HEAD").encode())
        others = _git(directory, "ls-files", "--others", "--exclude-standard", "-z")
        for name in filter(None, others.split("\0")):
            digest.update(name.encode())
            digest.update((directory / name).read_bytes())
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{commit}-{digest.hexdigest()[:12]}"


def _git(directory: Path, *arguments: str) -> str:
    command = ["git", "-C", str(directory), *arguments]
    result = run_to_end(command, _GIT_TIMEOUT_S)
    result.check_returncode()
    return result.stdout.strip()


def _cpu_model(cpuinfo: Path) -> str:
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
