"""Questions with all their answers side by side, wrong ones first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from harness.results.rows.schema import AnswerRow, Variant
from harness.targets.registry import target_names
from reports.anchors import anchor
from reports.words import Word, compare_words

MAX_ANSWERS = 5_000
"""More would make the file too large to mail; all of them are in ``results.csv``."""

Mark = Literal["float", "right", "wrong", "still right", "changed"]

_VARIANTS: tuple[Variant, ...] = ("real", "blank", "swapped")
FLOAT, UNKNOWN = "float", "unknown"
"""Sources of answers beside targets: the float model, and rows that name no target."""


@dataclass(frozen=True)
class AnswerLine:
    """One answer to the card's question, and every configuration that gave it.

    Attributes:
        who: Mode, precision, SoC of each.
        mark: How it compares; without its image an answer should change, so that a right one is
            ``still right``. ``float`` for the float model's own answer.
        words: The answer, words that the expected one lacks marked.
    """

    who: tuple[str, ...]
    mark: Mark
    words: tuple[Word, ...]


@dataclass(frozen=True)
class AnswerColumn:
    """What one target answered; ``float`` is the reference in full precision."""

    source: str
    lines: tuple[AnswerLine, ...]


@dataclass(frozen=True)
class VariantBlock:
    """The question asked with one variant of its image."""

    variant: Variant
    image: str | None
    columns: tuple[AnswerColumn, ...]


@dataclass(frozen=True)
class AnswerCard:
    """One question of one model.

    Attributes:
        anchor: Stable fragment to link to.
        ignores_image: A right answer was given without the question's own image.
        disagrees: Targets or configurations gave different answers.
        answers: How many rows are on the card.
        wrong_answers: How many of them are wrong, with the question's own image.
    """

    anchor: str
    model: str
    sample_id: str
    question_kind: str
    question: str
    expected: str
    ignores_image: bool
    disagrees: bool
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
    def images(self) -> tuple[str, ...]:
        """File names of the thumbnails that the cards show, in the order of the cards."""
        blocks = (block for card in self.cards for block in card.blocks)
        return tuple(dict.fromkeys(block.image for block in blocks if block.image))


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
    own_image = [row for row in rows if row.variant == "real"]
    return AnswerCard(
        anchor=anchor("answer", *_question(first)),
        model=first.model or "",
        sample_id=first.sample_id,
        question_kind=first.question_kind,
        question=first.question,
        expected=first.expected,
        ignores_image=any(row.variant != "real" and row.correct for row in rows),
        disagrees=len({row.given for row in own_image}) > 1,
        blocks=tuple(_blocks(rows)),
        answers=len(rows),
        wrong_answers=sum(not row.correct for row in own_image),
    )


def _blocks(rows: Sequence[AnswerRow]) -> Iterable[VariantBlock]:
    for variant in _VARIANTS:
        asked = [row for row in rows if row.variant == variant]
        for image in dict.fromkeys(row.image for row in asked):
            group = [row for row in asked if row.image == image]
            yield VariantBlock(variant, image, tuple(_columns(group)))


def _columns(rows: Sequence[AnswerRow]) -> Iterable[AnswerColumn]:
    """One column per kind of device, in it one line per distinct answer."""
    expected = rows[0].expected
    references = dict.fromkeys(row.reference for row in rows if row.reference is not None)
    if references:
        lines = (AnswerLine((), "float", compare_words(text, expected)) for text in references)
        yield AnswerColumn(FLOAT, tuple(lines))
    given: dict[str, list[AnswerRow]] = {}
    for row in rows:
        given.setdefault(row.target or UNKNOWN, []).append(row)
    for source in sorted(given, key=_order):
        yield AnswerColumn(source, _lines(given[source], expected))


def _order(source: str) -> tuple[bool, int, str]:
    """Targets in the order of the registry, then those it does not know, then rows of none."""
    known = target_names()
    return source == UNKNOWN, known.index(source) if source in known else len(known), source


def _lines(rows: Sequence[AnswerRow], expected: str) -> tuple[AnswerLine, ...]:
    who: dict[tuple[str, Mark], list[str]] = {}
    for row in rows:
        names = who.setdefault((row.given, _mark(row)), [])
        name = " · ".join(word for word in (row.mode, row.precision, row.soc) if word)
        if name not in names:
            names.append(name)
    return tuple(
        AnswerLine(tuple(names), mark, compare_words(text, expected))
        for (text, mark), names in who.items()
    )


def _mark(row: AnswerRow) -> Mark:
    if row.variant == "real":
        return "right" if row.correct else "wrong"
    return "still right" if row.correct else "changed"
