"""What one kind of file is to the fuzzer, and how a case of it can end."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Literal, Protocol, get_args

Outcome = Literal[
    "clear error",
    "same answer",
    "other answer",
    "ended apart",
    "traceback",
    "signal",
    "hang",
    "program",
]
"""``ended apart``: the runner's own process died or was stopped, which its parent says in a
sentence; the last four are those of the session itself."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
DEFECTS: tuple[Outcome, ...] = ("traceback", "signal", "hang", "program")


class Kind(Protocol):
    """One kind of file.

    Attributes:
        name: As ``--kind`` takes it.
        cases: How many are tried unless ``--cases`` says.
        limit_s: After which a case counts as hung.
        starts_programs: Whether reading it starts a program by design.
    """

    name: str
    cases: int
    limit_s: float
    starts_programs: bool

    def missing(self) -> str | None:
        """Why this machine cannot try it, None if it can."""
        ...

    def prepare(self, folder: Path) -> None:
        """Put what is mutated into an empty folder, once per process.

        Args:
            folder: Of this process alone.
        """
        ...

    def attempt(self, dice: Random) -> Outcome:
        """Mutate, and read the outcome as a session reads it.

        Args:
            dice: Decides everything, so that a case can be had again.

        Raises:
            UserError: The clear error.
        """
        ...
