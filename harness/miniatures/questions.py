"""Questions about a scene, each with the one answer that counts as right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from harness.miniatures.world import (
    CELLS,
    COLUMNS,
    NUMBERS,
    ROWS,
    Cells,
    Digit,
    Thing,
    digit_of,
    shapes_of,
)

PHRASINGS: dict[str, tuple[str, ...]] = {
    "colour": (
        "What colour is the {form}?",
        "Which colour does the {form} have?",
        "Tell me the colour of the {form}.",
    ),
    "shape": (
        "What shape is {colour}?",
        "Which shape is painted {colour}?",
        "Tell me the shape of the {colour} thing.",
    ),
    "relation": (
        "What is {relation} the {anchor}?",
        "Which thing is {relation} the {anchor}?",
        "Tell me what stands {relation} the {anchor}.",
    ),
    "count": (
        "How many shapes are there?",
        "Count the shapes.",
        "What is the number of shapes in the picture?",
    ),
    "digit": ("Which digit is written here?", "What digit do you see?", "Read the digit."),
    "describe": (
        "Describe the picture.",
        "What do you see in the picture?",
        "Tell me everything about the picture.",
    ),
}
"""Ways to ask, per kind of question."""

KINDS = tuple(PHRASINGS)
"""Kinds of question in the order in which samples cycle through them."""

_STEPS = {"left of": (0, -1), "right of": (0, 1), "above": (-1, 0), "below": (1, 0)}


@dataclass(frozen=True)
class Question:
    """One question without image placeholder, and its expected answer.

    Attributes:
        kind: One of ``KINDS``.
        prompt: What the user asks.
        answer: The whole text a right generation consists of, without surrounding blanks.
    """

    kind: str
    prompt: str
    answer: str


@dataclass(frozen=True)
class Relation:
    """``thing`` is the nearest thing that stands ``relation`` the ``anchor``."""

    thing: Thing
    relation: str
    anchor: Thing


def relations_of(cells: Cells) -> tuple[Relation, ...]:
    """Every nearest neighbour along rows and columns, in reading order of the anchors."""
    found: list[Relation] = []
    for position, anchor in enumerate(cells):
        if anchor is None:
            continue
        for relation, step in _STEPS.items():
            thing = _nearest(cells, position, step)
            if thing is not None:
                found.append(Relation(thing, relation, anchor))
    return tuple(found)


def _nearest(cells: Cells, position: int, step: tuple[int, int]) -> Thing | None:
    row, column = divmod(position, len(COLUMNS))
    row, column = row + step[0], column + step[1]
    while 0 <= row < len(ROWS) and 0 <= column < len(COLUMNS):
        thing = cells[row * len(COLUMNS) + column]
        if thing is not None:
            return thing
        row, column = row + step[0], column + step[1]
    return None


def single_forms(cells: Cells) -> tuple[tuple[str, str], ...]:
    """``(form, colour)`` of the shapes whose form occurs once."""
    forms = [shape.form for shape in shapes_of(cells)]
    return tuple((s.form, s.colour) for s in shapes_of(cells) if forms.count(s.form) == 1)


def single_colours(cells: Cells) -> tuple[tuple[str, str], ...]:
    """``(colour, form)`` of the shapes whose colour occurs once."""
    colours = [shape.colour for shape in shapes_of(cells)]
    return tuple((s.colour, s.form) for s in shapes_of(cells) if colours.count(s.colour) == 1)


def _colour(cells: Cells, phrasing: str, chance: Random) -> Question:
    form, colour = chance.choice(single_forms(cells))
    return Question("colour", phrasing.format(form=form), f"The {form} is {colour}.")


def _shape(cells: Cells, phrasing: str, chance: Random) -> Question:
    colour, form = chance.choice(single_colours(cells))
    return Question("shape", phrasing.format(colour=colour), f"The {colour} shape is a {form}.")


def _relation(cells: Cells, phrasing: str, chance: Random) -> Question:
    relations = relations_of(cells)
    to_digit = [found for found in relations if isinstance(found.anchor, Digit)]
    found = chance.choice(to_digit if to_digit and chance.random() < 0.5 else relations)
    prompt = phrasing.format(relation=found.relation, anchor=found.anchor.name)
    answer = f"{found.thing.noun_phrase} is {found.relation} the {found.anchor.name}."
    return Question("relation", prompt, _sentence(answer))


def _count(cells: Cells, phrasing: str, chance: Random) -> Question:
    return Question("count", phrasing, f"There are {NUMBERS[len(shapes_of(cells))]} shapes.")


def _digit(cells: Cells, phrasing: str, chance: Random) -> Question:
    return Question("digit", phrasing, f"The digit is {NUMBERS[digit_of(cells).value]}.")


def _describe(cells: Cells, phrasing: str, chance: Random) -> Question:
    shapes = NUMBERS[len(shapes_of(cells))]
    sentences = [f"The picture shows {shapes} shapes and {digit_of(cells).noun_phrase}."]
    for cell, thing in zip(CELLS, cells, strict=True):
        sentences.append(f"In the {cell} there is {thing.noun_phrase if thing else 'nothing'}.")
    return Question("describe", phrasing, " ".join(sentences))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


_ASKERS: dict[str, Callable[[Cells, str, Random], Question]] = {
    "colour": _colour,
    "shape": _shape,
    "relation": _relation,
    "count": _count,
    "digit": _digit,
    "describe": _describe,
}


def ask(cells: Cells, kinds: Sequence[str], chance: Random) -> tuple[Question, ...]:
    """One question for every entry of ``kinds``.

    Args:
        cells: A scene that has a single form, a single colour and two things in a row or column.
        kinds: From ``KINDS``, repetitions allowed.
        chance: Chooses what is asked about and how it is phrased.
    """
    return tuple(_ASKERS[kind](cells, chance.choice(PHRASINGS[kind]), chance) for kind in kinds)
