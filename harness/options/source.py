"""Where a value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

SourceKind = Literal["command line", "file", "environment", "default"]


@dataclass(frozen=True)
class Source:
    """Where a value comes from.

    Attributes:
        kind: Each goes before those behind it.
        place: Path of the file, or name of the variable.
    """

    kind: SourceKind
    place: str = ""

    def __str__(self) -> str:
        return self.place or self.kind


@dataclass(frozen=True)
class Value:
    """A value and where it comes from."""

    value: Any
    source: Source
