"""What upstream's C++ tokenizer makes of a text where a ``tokenizer.json`` asks for NFC.

Its decomposition keeps the first code point of every character alone, so that accents are lost and
a syllable of Hangul becomes its first letter; its composition knows few of the accents that a text
spells apart. Source: meta-pytorch/tokenizers, ``src/normalizer.cpp`` with llama.cpp's ``unicode``,
as the binary 1.5.0 behaves.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

_GRAVE, _ACUTE, _CIRCUMFLEX, _TILDE = "\u0300\u0301\u0302\u0303"
_MACRON, _BREVE, _DOT, _DIAERESIS = "\u0304\u0306\u0307\u0308"
_RING, _CARON, _CEDILLA, _OGONEK = "\u030a\u030c\u0327\u0328"

_KNOWN = {
    _GRAVE: "ÀàÈèÌìÒòÙùǍǎǏǐǑǒǓǔ",
    _ACUTE: "ÁáÉéÍíÓóÚúÝý",
    _CIRCUMFLEX: "ÂâÊêÎîÔôÛû",
    _TILDE: "ÃãÑñÕõ",
    _DIAERESIS: "ÄäËëÏïÖöÜüÿ",
    _RING: "Åå",
    _CEDILLA: "Çç",
}
"""Composed letters by the mark that upstream takes for theirs, carons for graves included."""

_EVEN_UP_TO = (
    ("\u0105", _MACRON),
    ("\u0107", _BREVE),
    ("\u0119", _OGONEK),
    ("\u0165", _CARON),
)
"""Marks of capitals in Latin Extended-A by the last code point that upstream gives them to."""

_EXTENDED_CAPITALS = range(0x0100, 0x0180, 2)

_CLASSES = (
    (range(0x0591, 0x05BE), 220),
    (range(0x064B, 0x0660), 30),
    (range(0x0670, 0x0671), 35),
    (range(0x06EA, 0x06EE), 220),
)
_OTHER_MARK = 230


def normalize_as_upstream(text: str) -> str:
    """Upstream's NFC of a text."""
    marks_in_order = _ordered(_first_of_decomposition(character) for character in text)
    return "".join(_composed(marks_in_order))


def _first_of_decomposition(character: str) -> str:
    return unicodedata.normalize("NFD", character)[0]


def _combining_class(character: str) -> int:
    if not unicodedata.category(character).startswith("M"):
        return 0
    point = ord(character)
    return next((number for points, number in _CLASSES if point in points), _OTHER_MARK)


def _ordered(characters: Iterable[str]) -> Iterator[str]:
    """Every run of marks in the order of their classes, the order of equal ones kept."""
    for _, run in itertools.groupby(characters, key=lambda one: _combining_class(one) > 0):
        yield from sorted(run, key=_combining_class)


def _composed(characters: Iterable[str]) -> Iterator[str]:
    base: str | None = None
    kept: list[str] = []
    for character in characters:
        if _combining_class(character) == 0:
            if base is not None:
                yield from (base, *kept)
            base, kept = character, []
        elif base is None:
            yield character
        elif (found := _compositions().get((base, character))) is not None:
            base = found
        else:
            kept.append(character)
    if base is not None:
        yield from (base, *kept)


@cache
def _compositions() -> dict[tuple[str, str], str]:
    """Composed letters by what they are composed of, as upstream infers it from code points."""
    known = {letter: mark for mark, letters in _KNOWN.items() for letter in letters}
    found = {}
    for letter in sorted({*known, *map(chr, _EXTENDED_CAPITALS)}):
        base, mark = _first_of_decomposition(letter), known.get(letter) or _extended_mark(letter)
        if base != letter and mark is not None:
            found[base, mark] = letter
    return found


def _extended_mark(letter: str) -> str | None:
    return next((mark for last, mark in _EVEN_UP_TO if letter <= last), None)
