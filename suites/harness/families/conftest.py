"""A package that adds a family, installed where only the processes of a test look for it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import harness
from suites.harness.runtime.random_checkpoint import save_random_checkpoint

ROOT = Path(harness.__file__).parents[1]
TOY_PACKAGE = Path(__file__).parent / "toy_llava"
REFERENCE = "toy_llava.vlm:MODELS"


@dataclass(frozen=True)
class Site:
    """A folder that packages are installed into, and processes that know it."""

    folder: Path

    def install(self, name: str, families: Mapping[str, str], source: Path | None = None) -> None:
        """Install a package that registers families, as pip would leave it.

        Args:
            name: Of the distribution.
            families: Where the models of each family are, by its name.
            source: The package's folder, None for one of entry points alone.
        """
        if source is not None:
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, self.folder / source.name, ignore=left_out)
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [f"{family} = {reference}" for family, reference in families.items()]
        (info / "entry_points.txt").write_text("\n".join(["[snapgate.families]", *lines, ""]))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``python -m`` some words, with this folder's packages.

        On one thread: those of a tiny model mostly wait for each other.
        """
        search_path = os.pathsep.join([str(ROOT), str(self.folder)])
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": search_path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder that nothing is installed into yet."""
    return Site(tmp_path / "site")


@dataclass(frozen=True)
class Toy:
    """The toy family where it is installed, with a checkpoint of random weights."""

    site: Site
    checkpoint: Path


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The third family, installed; and a model of it."""
    folder = tmp_path_factory.mktemp("toy")
    site = Site(folder / "site")
    site.install("toy-llava", {"toy_llava": REFERENCE}, TOY_PACKAGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site.folder)
        from toy_llava.vlm import TOY

        save_random_checkpoint(TOY, folder / "checkpoint")
    return Toy(site, folder / "checkpoint")
