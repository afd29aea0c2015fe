"""Text that every Python has: its language reference, under the PSF licence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

from tokenizers import Tokenizer

CONTEXT = 256
"""Tokens that are read from an empty cache; the last is predicted from all before it."""

CALIBRATION_SHARE = 0.5
"""Share of the reference that weights may be learned on; what is judged comes from the rest."""


def windows(tokenizer: Path, tokens: int) -> list[tuple[int, ...]]:
    """Stretches of ``CONTEXT`` tokens from all over the half that is judged.

    Args:
        tokenizer: A checkpoint's ``tokenizer.json``.
        tokens: How many in all, rounded up to whole stretches.
    """
    return _spread(_ids(tokenizer)[1], -(-tokens // CONTEXT))


def passages(tokenizer: Path, count: int) -> Iterator[str]:
    """Texts of about ``CONTEXT`` tokens from all over the half that weights are learned on."""
    engine = Tokenizer.from_file(str(tokenizer))
    for ids in _spread(_ids(tokenizer)[0], count):
        yield engine.decode(ids)


def _ids(tokenizer: Path) -> tuple[list[int], list[int]]:
    """Tokens of both halves."""
    texts = [text for _, text in sorted(topics.items())]
    middle = round(len(texts) * CALIBRATION_SHARE)
    engine = Tokenizer.from_file(str(tokenizer))
    learned, judged = ("\n".join(half) for half in (texts[:middle], texts[middle:]))
    return (
        engine.encode(learned, add_special_tokens=False).ids,
        engine.encode(judged, add_special_tokens=False).ids,
    )


def _spread(ids: list[int], count: int) -> list[tuple[int, ...]]:
    step = max((len(ids) - CONTEXT) // count, CONTEXT)
    return [tuple(ids[start : start + CONTEXT]) for start in range(0, step * count, step)]
