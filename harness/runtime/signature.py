"""What a method declares about its tensors. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TensorSpec:
    """Shape and dtype that a method declares for one input or output.

    ``dtype`` is numpy's name, or ``ScalarType <code>`` for a type outside the contract.
    """

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Signature:
    """All inputs and outputs of a method of a file."""

    path: Path
    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def __str__(self) -> str:
        return f"{self.name} of {self.path}"
