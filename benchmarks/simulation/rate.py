"""One line of the table: what was simulated, what is asked of it, and what came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Rate:
    """A share of simulated cases, held against a bound.

    Attributes:
        name: What was simulated.
        measured: Share of cases, or false alarms per night, 0 to 1.
        sign: Direction of the bound.
        bound: None where the row is there to be known and asks for nothing.
        cases: Simulated cases behind the worst cell.
        detail: The worst cell, where a row has several.
    """

    name: str
    measured: float
    sign: Literal["<=", ">="]
    bound: float | None
    cases: int
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the bound holds; always where there is none."""
        if self.bound is None:
            return True
        return self.measured <= self.bound if self.sign == "<=" else self.measured >= self.bound


def worst(name: str, cells: dict[str, float], bound: float | None, cases: int) -> Rate:
    """A row that asks an upper bound of all its cells, and shows the largest."""
    cell = max(cells, key=lambda key: cells[key])
    return Rate(name, cells[cell], "<=", bound, cases, cell)
