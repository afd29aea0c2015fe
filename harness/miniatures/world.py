"""The things a scene can hold, and the words for them."""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "star")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ROWS = ("top", "bottom")
COLUMNS = ("left", "middle", "right")
CELLS = tuple(f"{row} {column}" for row in ROWS for column in COLUMNS)
"""Names of the grid's cells in reading order, which is the order of every description."""


@dataclass(frozen=True)
class Shape:
    """A filled coloured shape."""

    colour: str
    form: str

    @property
    def name(self) -> str:
        """Words without article, such as ``red circle``."""
        return f"{self.colour} {self.form}"

    @property
    def noun_phrase(self) -> str:
        """Words with indefinite article, such as ``an orange star``."""
        return f"{'an' if self.colour[0] in 'aeiou' else 'a'} {self.name}"


@dataclass(frozen=True)
class Digit:
    """A written decimal digit."""

    value: int

    @property
    def name(self) -> str:
        """Words without article that do not give the value away."""
        return "digit"

    @property
    def noun_phrase(self) -> str:
        """Words that name the value, such as ``the digit seven``."""
        return f"the digit {NUMBERS[self.value]}"


Thing = Shape | Digit
Cells = tuple[Thing | None, ...]
"""What stands in each of ``CELLS``, None where nothing does."""


def shapes_of(cells: Cells) -> tuple[Shape, ...]:
    """All shapes in reading order."""
    return tuple(thing for thing in cells if isinstance(thing, Shape))


def digit_of(cells: Cells) -> Digit:
    """The one digit of a scene.

    Raises:
        ValueError: If the cells hold no digit or several.
    """
    digits = [thing for thing in cells if isinstance(thing, Digit)]
    if len(digits) != 1:
        raise ValueError(f"a scene has exactly one digit, this one has {len(digits)}")
    return digits[0]
