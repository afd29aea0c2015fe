"""Words in any script to the letters that names of models have."""

from __future__ import annotations

import re
import unicodedata

_SPELLED = {
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "ß": "ss",
    "å": "aa",
    "æ": "ae",
    "ø": "oe",
    "œ": "oe",
    "þ": "th",
    "ð": "d",
    "đ": "d",
    "ł": "l",
    "\N{LATIN SMALL LETTER DOTLESS I}": "i",
}
"""Letters that people spell so where they have no others."""


def transliterated(text: str) -> str:
    """Words of ``a-z`` and ``0-9`` with ``_`` between them.

    Accents go, umlauts are spelled out, and a letter that has none of these for it is told by its
    number, ``u65e5``, so that no two scripts read alike. Composed and decomposed letters are the
    same.
    """
    letters = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    return re.sub("[^a-z0-9]+", "_", "".join(map(_spell, letters))).strip("_")


def _spell(letter: str) -> str:
    if letter in _SPELLED:
        return _SPELLED[letter]
    plain = "".join(
        part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)
    )
    if plain.isascii() or not letter.isalnum():
        return plain if plain.isascii() else "_"
    return f"_u{ord(letter):x}_"
