"""A row of the tables that translate log lines: what says so, what it means, and what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum


class Weight(IntEnum):
    """How much a line says about a failure."""

    HINT = 1
    """It precedes runs that go well, too."""
    EFFECT = 2
    """It follows from something that another line may name."""
    CAUSE = 3
    """It names the thing that is missing or does not fit."""


@dataclass(frozen=True)
class KnownError:
    r"""One row of a table.

    Attributes:
        pattern: Regular expression that finds the line; ``^`` and ``$`` are those of a line.
        cause: What is wrong, as part of a sentence; ``\1`` stands for a group of the pattern.
        remedy: What to do, likewise; the next command where there is one.
        source: Where the line was seen.
        weight: How much it says.
    """

    pattern: str
    cause: str
    remedy: str
    source: str
    weight: Weight = Weight.CAUSE

    def explain(self, log: str) -> str | None:
        """Cause and remedy, if a line of a log is of this row; else None."""
        found = re.search(self.pattern, log, re.MULTILINE)
        return found and found.expand(f"{self.cause}; {self.remedy}")
