"""A phone host that only runs pre-generated artifacts needs no torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import harness

ROOT = Path(harness.__file__).parent

FORBID_AND_IMPORT = """
import importlib, sys

class Forbidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "executorch", "torchao"}:
            raise ImportError(f"{name} is not to be imported here")

sys.meta_path.insert(0, Forbidden())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules_of(room: str) -> list[str]:
    files = sorted((ROOT / room).rglob("*.py"))
    names = [".".join(file.relative_to(ROOT.parent).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize(
    "room", ["vlm", "measure", "results", "devices", "artifacts", "miniatures"]
)
def test_a_room_imports_without_torch(room: str) -> None:
    modules = modules_of(room)
    assert len(modules) > 2
    command = [sys.executable, "-c", FORBID_AND_IMPORT, *modules]
    done = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
