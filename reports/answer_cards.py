"""Questions with all their answers side by side, wrong ones first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from harness.results.rows import AnswerRow, Variant
from reports.verdict_table import subject_words
from reports.words import Word, compare_words

MAX_ANSWERS = 200
"""More would make the page slow to open; all of them are in ``results.csv``."""

FLOAT: Literal["float"] = "float"
Mark = Literal["float", "right", "wrong", "still right", "changed"]

_VARIANTS: tuple[Variant, ...] = ("real", "blank", "swapped")


@dataclass(frozen=True)
class AnswerLine:
    """One answer to the card's question, and everything that gave it.

    Attributes:
        who: What answered: ``float``, or mode, precision and target.
        mark: How it compares; without its image an answer should change, so that a right one is
            ``still right``. ``float`` if only the float model said so.
        words: The answer, words that the expected one lacks marked.
    """

    who: tuple[str, ...]
    mark: Mark
    words: tuple[Word, ...]


@dataclass(frozen=True)
class VariantBlock:
    """The question asked with one variant of its image."""

    variant: Variant
    image: str | None
    lines: tuple[AnswerLine, ...]


@dataclass(frozen=True)
class AnswerCard:
    """One question of one model.

    Attributes:
        ignores_image: A right answer was given without the question's own image.
        answers: How many rows are on the card.
        wrong_answers: How many of them are wrong, with the question's own image.
    """

    model: str
    sample_id: str
    question_kind: str
    question: str
    expected: str
    ignores_image: bool
    blocks: tuple[VariantBlock, ...]
    answers: int
    wrong_answers: int


@dataclass(frozen=True)
class AnswerCards:
    """The cards that fit on the page.

    Attributes:
        cards: Those with a wrong answer first.
        shown: Answers on the cards.
        hidden: Answers left out, of which ``hidden_wrong`` are wrong.
    """

    cards: tuple[AnswerCard, ...]
    shown: int
    hidden: int
    hidden_wrong: int

    @property
    def images(self) -> frozenset[str]:
        """File names of the thumbnails that the cards show."""
        blocks = (block for card in self.cards for block in card.blocks)
        return frozenset(block.image for block in blocks if block.image)


def answer_cards(answers: Sequence[AnswerRow], limit: int = MAX_ANSWERS) -> AnswerCards:
    """Group answers by question and keep whole cards, wrong ones first, up to ``limit`` answers."""
    ordered = sorted(answers, key=_question)
    cards = [_card(list(group)) for _, group in groupby(ordered, key=_question)]
    cards.sort(key=lambda card: (not card.wrong_answers, not card.ignores_image))
    kept, shown = 0, 0
    while kept < len(cards) and (kept == 0 or shown + cards[kept].answers <= limit):
        shown += cards[kept].answers
        kept += 1
    hidden_wrong = sum(card.wrong_answers for card in cards[kept:])
    return AnswerCards(tuple(cards[:kept]), shown, len(answers) - shown, hidden_wrong)


def _question(row: AnswerRow) -> tuple[str, str, str, str]:
    return (row.model or "", row.sample_id, row.question, row.expected)


def _card(rows: Sequence[AnswerRow]) -> AnswerCard:
    first = rows[0]
    return AnswerCard(
        model=first.model or "",
        sample_id=first.sample_id,
        question_kind=first.question_kind,
        question=first.question,
        expected=first.expected,
        ignores_image=any(row.variant != "real" and row.correct for row in rows),
        blocks=tuple(_blocks(rows)),
        answers=len(rows),
        wrong_answers=sum(row.variant == "real" and not row.correct for row in rows),
    )


def _blocks(rows: Sequence[AnswerRow]) -> Iterable[VariantBlock]:
    for variant in _VARIANTS:
        asked = [row for row in rows if row.variant == variant]
        for image in dict.fromkeys(row.image for row in asked):
            group = [row for row in asked if row.image == image]
            yield VariantBlock(variant, image, _lines(group))


def _lines(rows: Sequence[AnswerRow]) -> tuple[AnswerLine, ...]:
    """One line per distinct answer, so that whoever deviates stands apart from the others."""
    who: dict[str, list[str]] = {}
    for row in rows:
        if row.reference is not None and FLOAT not in who.setdefault(row.reference, []):
            who[row.reference].append(FLOAT)
    marks: dict[str, Mark] = {}
    for row in rows:
        who.setdefault(row.given, []).append(subject_words(row))
        marks[row.given] = _mark(row)
    return tuple(
        AnswerLine(tuple(names), marks.get(text, FLOAT), compare_words(text, rows[0].expected))
        for text, names in who.items()
    )


def _mark(row: AnswerRow) -> Mark:
    if row.variant == "real":
        return "right" if row.correct else "wrong"
    return "still right" if row.correct else "changed"
