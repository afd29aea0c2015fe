"""Two answers compared word by word."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import NamedTuple


class Piece(NamedTuple):
    """Neighbouring words that are alike, with the spaces between and behind them.

    ``differs`` is 1 for words that the wanted text does not have at that place, else 0.
    """

    text: str
    differs: int


def compare_words(text: str, wanted: str) -> tuple[Piece, ...]:
    """Mark the words of ``text`` that ``wanted`` does not have at that place.

    Case and punctuation around a word do not count as a difference. A space is marked between
    marked words.
    """
    words = re.findall(r"(\S+)(\s*)", text)
    bare, wanted_bare = [_bare(word) for word, _ in words], [_bare(word) for word in wanted.split()]
    matcher = SequenceMatcher(None, bare, wanted_bare, autojunk=False)
    same = {block.a + step for block in matcher.get_matching_blocks() for step in range(block.size)}
    differs = [int(index not in same) for index in range(len(words))]
    pieces: list[Piece] = []
    for (word, space), own, following in zip(words, differs, [*differs, 0][1:], strict=True):
        for part, marked in ((word, own), (space, own and following)):
            if part and pieces and pieces[-1].differs == marked:
                pieces[-1] = Piece(pieces[-1].text + part, marked)
            elif part:
                pieces.append(Piece(part, marked))
    return tuple(pieces)


def _bare(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word).casefold() or word
