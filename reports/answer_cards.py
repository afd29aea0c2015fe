"""Questions with all their answers side by side, wrong ones first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal, NamedTuple

from harness.measure.accuracy import missing_features, required_features
from harness.results.rows.schema import AnswerRow, Variant
from harness.targets.registry import target_names
from reports.wording import YesNo, anchor, yes_or_no

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
        words: The answer, words that the expected one lacks marked; none of them where the answer
            only has to name something.
        missing: What it had to name and does not.
    """

    who: tuple[str, ...]
    mark: Mark
    words: tuple[MarkedWords, ...]
    missing: tuple[str, ...]


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
    """One question of one model, as the page's script shows it.

    Attributes:
        id: Stable fragment to link to.
        sample: Name of the question with its image.
        names: Whether an answer has to name the expected words and may say more.
        wrong: With its own image some answer is wrong.
        blind: A right answer was given without the question's own image.
        differ: Targets or configurations gave different answers.
    """

    id: str
    model: str
    sample: str
    kind: str
    question: str
    expected: str
    names: bool
    wrong: YesNo
    blind: YesNo
    differ: YesNo
    blocks: tuple[VariantBlock, ...]


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
    asked = [list(rows) for _, rows in groupby(sorted(answers, key=_question), key=_question)]
    asked.sort(key=lambda rows: (not _wrong(rows), not _ignores_image(rows)))
    kept, shown = 0, 0
    while kept < len(asked) and (kept == 0 or shown + len(asked[kept]) <= limit):
        shown += len(asked[kept])
        kept += 1
    hidden_wrong = sum(map(_wrong, asked[kept:]))
    cards = tuple(map(_card, asked[:kept]))
    return AnswerCards(cards, shown, len(answers) - shown, hidden_wrong)


def _wrong(rows: Sequence[AnswerRow]) -> int:
    """How many answers are wrong, with the question's own image."""
    return sum(row.variant == "real" and not row.correct for row in rows)


def _ignores_image(rows: Sequence[AnswerRow]) -> bool:
    return any(row.variant != "real" and row.correct for row in rows)


def _question(row: AnswerRow) -> tuple[str, str, str, str]:
    return (row.model or "", row.sample_id, row.question, row.expected)


def _card(rows: Sequence[AnswerRow]) -> AnswerCard:
    first = rows[0]
    given = {row.given for row in rows if row.variant == "real"}
    return AnswerCard(
        id=anchor("answer", *_question(first)),
        model=first.model or "",
        sample=first.sample_id,
        kind=first.question_kind,
        question=first.question,
        expected=first.expected,
        names=bool(features_of(first)),
        wrong=yes_or_no(bool(_wrong(rows))),
        blind=yes_or_no(_ignores_image(rows)),
        differ=yes_or_no(len(given) > 1),
        blocks=tuple(_blocks(rows)),
    )


def _blocks(rows: Sequence[AnswerRow]) -> Iterable[VariantBlock]:
    for variant in _VARIANTS:
        asked = [row for row in rows if row.variant == variant]
        for image in dict.fromkeys(row.image for row in asked):
            group = [row for row in asked if row.image == image]
            yield VariantBlock(variant, image, tuple(_columns(group)))


def _columns(rows: Sequence[AnswerRow]) -> Iterable[AnswerColumn]:
    """One column per kind of device, in it one line per distinct answer."""
    wanted = _Wanted(rows[0].expected, features_of(rows[0]))
    references = dict.fromkeys(row.reference for row in rows if row.reference is not None)
    if references:
        yield AnswerColumn(FLOAT, tuple(wanted.line(text, "float") for text in references))
    given: dict[str, list[AnswerRow]] = {}
    for row in rows:
        given.setdefault(row.target or UNKNOWN, []).append(row)
    for source in sorted(given, key=_order):
        yield AnswerColumn(source, _lines(given[source], wanted))


def _order(source: str) -> tuple[bool, int, str]:
    """Targets in the order of the registry, then those it does not know, then rows of none."""
    known = target_names()
    return source == UNKNOWN, known.index(source) if source in known else len(known), source


def _lines(rows: Sequence[AnswerRow], wanted: _Wanted) -> tuple[AnswerLine, ...]:
    who: dict[tuple[str, Mark], list[str]] = {}
    for row in rows:
        names = who.setdefault((row.given, _mark(row)), [])
        name = " · ".join(word for word in (row.mode, row.precision, row.soc) if word)
        if name not in names:
            names.append(name)
    return tuple(wanted.line(text, mark, names) for (text, mark), names in who.items())


@dataclass(frozen=True)
class _Wanted:
    """What an answer is held against."""

    expected: str
    features: tuple[str, ...]

    def line(self, text: str, mark: Mark, who: Sequence[str] = ()) -> AnswerLine:
        if self.features:
            unmarked = (MarkedWords(text, 0),) if text.strip() else ()
            return AnswerLine(tuple(who), mark, unmarked, missing_features(text, self.features))
        return AnswerLine(tuple(who), mark, compare_words(text, self.expected), ())


def features_of(row: AnswerRow) -> tuple[str, ...]:
    """What the answer has to name; nothing where it has to equal the expected one."""
    return required_features(row.question_kind, row.expected)


def _mark(row: AnswerRow) -> Mark:
    if row.variant == "real":
        return "right" if row.correct else "wrong"
    return "still right" if row.correct else "changed"


class MarkedWords(NamedTuple):
    """Neighbouring words that are alike, with the spaces between and behind them.

    ``differs`` is 1 for words that the wanted text does not have at that place, else 0.
    """

    text: str
    differs: int


def compare_words(text: str, wanted: str) -> tuple[MarkedWords, ...]:
    """Mark the words of ``text`` that ``wanted`` does not have at that place.

    Case and punctuation around a word do not count as a difference. A space is marked between
    marked words.
    """
    words = re.findall(r"(\S+)(\s*)", text)
    bare, wanted_bare = [_bare(word) for word, _ in words], [_bare(word) for word in wanted.split()]
    matcher = SequenceMatcher(None, bare, wanted_bare, autojunk=False)
    same = {block.a + step for block in matcher.get_matching_blocks() for step in range(block.size)}
    differs = [int(index not in same) for index in range(len(words))]
    pieces: list[MarkedWords] = []
    for (word, space), own, following in zip(words, differs, [*differs, 0][1:], strict=True):
        for part, marked in ((word, own), (space, own and following)):
            if part and pieces and pieces[-1].differs == marked:
                pieces[-1] = MarkedWords(pieces[-1].text + part, marked)
            elif part:
                pieces.append(MarkedWords(part, marked))
    return tuple(pieces)


def _bare(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word).casefold() or word
