"""The engines that are measured, and what each needs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

from benchmarks.engines.task import EngineFiles, EngineRun, EngineTask

OWN = "snapgate"


class EngineModule(Protocol):
    """What the module of an engine has."""

    def prepare(self, task: EngineTask) -> EngineFiles:
        """Make the engine's own files of the weights, in a process of its own."""

    def measure(self, task: EngineTask) -> EngineRun:
        """Load and answer, in a process of its own."""


@dataclass(frozen=True)
class Engine:
    """One engine with one kind of weights.

    Attributes:
        name: In tables; its last word is the kind of weights where an engine has several.
        module: Measures it; imported where its packages are there.
        packages: That it takes, as they are imported.
        extra: Of Snapgate that installs them.
    """

    name: str
    module: str
    packages: tuple[str, ...]
    extra: str

    @property
    def install_command(self) -> str:
        """What to type where a package is missing."""
        return f"pip install -e '.[{self.extra}]'"

    @property
    def missing(self) -> str | None:
        """Why it cannot run here and how to change that; None if it can."""
        absent = [name for name in self.packages if not _is_there(name)]
        if not absent:
            return None
        return f"not installed: {', '.join(absent)}; {self.install_command}"

    def load(self) -> EngineModule:
        """Import what measures it."""
        module: EngineModule = importlib.import_module(self.module)
        return module


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _several(
    name: str, module: str, packages: tuple[str, ...], extra: str, kinds: Sequence[str]
) -> tuple[Engine, ...]:
    return tuple(
        Engine(f"{name} {kind}", f"benchmarks.engines.{module}", packages, extra) for kind in kinds
    )


OURS = Engine(OWN, "benchmarks.engines.own_runner", ("torch", "executorch"), "host")
OTHERS = (
    *_several(
        "transformers",
        "eager_transformers",
        ("torch", "transformers"),
        "host",
        ("float32", "bfloat16"),
    ),
    *_several("llama.cpp", "llama_cpp_engine", ("llama_cpp", "gguf"), "engines", ("Q4_0", "Q8_0")),
    *_several(
        "ExecuTorch",
        "executorch_llm",
        ("executorch.extension.llm.runner", "omegaconf"),
        "host",
        ("8da4w",),
    ),
)
"""Beside our runner, in the order of the table."""

CHECKS = (
    Engine(
        "llama.cpp F32",
        "benchmarks.engines.llama_cpp_engine",
        ("llama_cpp", "gguf"),
        "engines",
    ),
)
"""Run only where somebody names them: that the file is the same model shows in the tokens."""


def engine_module(name: str) -> EngineModule:
    """What measures an engine: one of the others by its name, else our runner.

    Ours is told apart by what it runs: ``snapgate 8da4w``.
    """
    found = next((engine for engine in (*OTHERS, *CHECKS) if engine.name == name), OURS)
    return found.load()
