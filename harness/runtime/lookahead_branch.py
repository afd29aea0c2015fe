"""The guesses of lookahead decoding and what it learned from them. Imports without torch."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

from harness.vlm.mode import LookaheadShape

Ngram = tuple[int, ...]


class NgramPool:
    """The n-grams seen last, by their first token.

    Args:
        capacity: Most n-grams kept for one first token; the oldest makes room (gcap).
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._continuations: dict[int, deque[Ngram]] = {}

    def add(self, first: int, continuation: Ngram) -> None:
        """Remember what followed a token, unless it is known."""
        known = self._continuations.setdefault(first, deque(maxlen=self._capacity))
        if continuation not in known:
            known.append(continuation)

    def candidates(self, first: int) -> tuple[Ngram, ...]:
        """What followed a token before, oldest first; at most ``capacity``."""
        return tuple(self._continuations.get(first, ()))


class LookaheadBranch:
    """Guesses for the tokens to come: ``ngram - 1`` levels of ``window`` tokens (contract §4.8).

    Upstream draws the first guesses with an unseeded ``rand()``; here a seed makes runs repeat. No
    guess can change an answer, only how many passes it takes.

    Args:
        shape: Number of levels and of guesses per level.
        text_ids: Tokens to draw the first guesses from, at least one.
        seed: Of the drawing.
    """

    def __init__(self, shape: LookaheadShape, text_ids: Sequence[int], seed: int) -> None:
        chance = random.Random(seed)
        self._levels = [
            tuple(chance.choices(text_ids, k=shape.window)) for _ in range(shape.ngram - 1)
        ]

    def tokens(self, current: int) -> list[int]:
        """Tokens of all slots of the branch in order, the answer's last token in slot 0."""
        flat = [token for level in self._levels for token in level]
        return [current, *flat[1:]]

    def advance(self, current: int, completed: Sequence[int]) -> list[tuple[int, Ngram]]:
        """Drop the lowest level and stack what the model made of the highest one on top.

        Args:
            current: Token of slot 0 in the pass just run.
            completed: The model's choices behind the tokens of the highest level.

        Returns:
            First token and continuation of the n-grams that the columns spell now.
        """
        firsts = [current, *self._levels[0][1:]]
        self._levels = [*self._levels[1:], tuple(completed)]
        return list(zip(firsts, zip(*self._levels, strict=True), strict=True))
