"""Two answers compared word by word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True)
class Word:
    """One word and the space that follows it."""

    text: str
    space: str
    differs: bool


def compare_words(text: str, wanted: str) -> tuple[Word, ...]:
    """Mark the words of ``text`` that ``wanted`` does not have at that place.

    Case and punctuation around a word do not count as a difference.
    """
    words = re.findall(r"(\S+)(\s*)", text)
    bare, wanted_bare = [_bare(word) for word, _ in words], [_bare(word) for word in wanted.split()]
    matcher = SequenceMatcher(None, bare, wanted_bare, autojunk=False)
    same = {block.a + step for block in matcher.get_matching_blocks() for step in range(block.size)}
    return tuple(
        Word(word, space, differs=index not in same) for index, (word, space) in enumerate(words)
    )


def _bare(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word).casefold() or word
