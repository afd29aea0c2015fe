"""What kinds of text files have in common: a few whole ones, one of which is mutated and read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.fuzz.kind import Outcome
from benchmarks.fuzz.mutations import mutated_text


@dataclass(frozen=True)
class Whole:
    """A file as it should be.

    Attributes:
        path: Where it is read.
        content: Before it is mutated.
        read: Reads it as a session does, and makes an answer that can be compared.
    """

    path: Path
    content: bytes
    read: Callable[[Path], object]


class FileKind(ABC):
    """Files that people or programs write line by line."""

    name: str
    cases = 300
    limit_s = 30.0
    starts_programs = False

    def missing(self) -> str | None:
        """Every machine has what text files are read with."""
        return None

    @abstractmethod
    def wholes(self, folder: Path) -> Sequence[Whole]:
        """Files in a folder, or below it, and how they are read."""

    def prepare(self, folder: Path) -> None:
        """Write them all, and note what each says."""
        self._wholes = self.wholes(folder)
        for one in self._wholes:
            one.path.parent.mkdir(parents=True, exist_ok=True)
            one.path.write_bytes(one.content)
        self._expected = [one.read(one.path) for one in self._wholes]

    def attempt(self, dice: Random) -> Outcome:
        """Mutate one, read it, and put it back."""
        number = dice.randrange(len(self._wholes))
        one = self._wholes[number]
        one.path.write_bytes(mutated_text(one.content, dice))
        try:
            found = one.read(one.path)
        finally:
            one.path.write_bytes(one.content)
        return "same answer" if found == self._expected[number] else "other answer"
