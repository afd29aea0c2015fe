"""One pass of lookahead decoding: what it feeds and yields (contract §4.8). Imports without torch.

A pass begins with the lookahead branch: ``ngram - 1`` levels of ``window`` tokens, of which slot 0
is the last token of the answer and all others are guesses. Behind it come the candidates: n-grams
that began with that last token before, ``ngram - 1`` tokens each.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import islice

import numpy as np

from harness.runtime.attention_mask import TokenTree
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
    """Guesses for the tokens to come.

    No guess can change an answer, only how many passes it takes.

    Args:
        shape: Number of levels and of guesses per level.
        text_ids: Tokens to draw the first guesses from, at least one.
        seed: Of the drawing.
    """

    def __init__(self, shape: LookaheadShape, text_ids: Sequence[int], seed: int) -> None:
        drawn = self.draw(text_ids, seed)
        self._levels = [tuple(islice(drawn, shape.window)) for _ in range(shape.ngram - 1)]

    def draw(self, text_ids: Sequence[int], seed: int) -> Iterator[int]:
        """Any number of first guesses."""
        chance = random.Random(seed)
        while True:
            yield from chance.choices(text_ids)

    def firsts(self, current: int, guesses: Ngram) -> Ngram:
        """What the n-grams of a pass are filed under.

        Args:
            current: Token of slot 0.
            guesses: Of level 0, column 0 included, whose place ``current`` took.
        """
        return (current, *guesses[1:])

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
        firsts = self.firsts(current, self._levels[0])
        self._levels = [*self._levels[1:], tuple(completed)]
        return list(zip(firsts, zip(*self._levels, strict=True), strict=True))


_NO_PARENT = -1


class LookaheadSlots:
    """Slots, positions and attention of the passes of one branch size."""

    def __init__(self, shape: LookaheadShape) -> None:
        self.shape = shape
        self._trees = [self._build_tree(candidates) for candidates in range(shape.gcap + 1)]

    @property
    def last_level(self) -> slice:
        """Slots whose logits are the guesses that complete an n-gram each."""
        start = self.guess(self.shape.ngram - 2, 0)
        return slice(start, start + self.shape.window)

    def guess(self, level: int, column: int) -> int:
        """Slot of a token of the lookahead branch, levels and columns counted from 0."""
        return level * self.shape.window + column

    def candidate(self, index: int, depth: int) -> int:
        """Slot of a candidate's token; depth 0 is the last token of the answer, which all share."""
        if depth == 0:
            return 0
        return (self.shape.window + index) * (self.shape.ngram - 1) + depth - 1

    def tree(self, candidates: int) -> TokenTree:
        """Positions and attention of a pass with so many candidates, at most ``gcap``."""
        return self._trees[candidates]

    def _build_tree(self, candidates: int) -> TokenTree:
        """Every token attends to itself and to what its parent attends to."""
        offsets, parents = self._branch()
        for index in range(candidates):
            for depth in range(1, self.shape.ngram):
                offsets.append(depth)
                parents.append(self.candidate(index, depth - 1))
        visible = np.eye(len(parents), dtype=np.bool_)
        for slot, parent in enumerate(parents):
            if parent != _NO_PARENT:
                visible[slot] |= visible[parent]
        return TokenTree(np.array(offsets, np.int32), visible)

    def _branch(self) -> tuple[list[int], list[int]]:
        """Position behind the cache and parent slot of every token of the lookahead branch.

        Level 0 is a sequence; a token further up continues the one below it.
        """
        offsets, parents = [], []
        for level in range(self.shape.ngram - 1):
            for column in range(self.shape.window):
                offsets.append(level + column)
                below = self.guess(level - 1, column)
                parents.append(below if level else column - 1)
        return offsets, parents


def accepted_path(
    choose: Callable[[int], int],
    slots: LookaheadSlots,
    candidates: Sequence[Ngram],
    most: float,
    stop_ids: Collection[int],
) -> list[tuple[int, int]]:
    """Follow the model's own choices through the candidates as long as one of them foresaw them.

    Greedy decoding would have made exactly these choices, one per pass.

    Args:
        choose: The model's choice behind the token in a slot.
        slots: Where the candidates stand.
        candidates: The pass's n-grams without their first token.
        most: Tokens that still fit, at least one.
        stop_ids: Tokens that end the answer.

    Returns:
        Slots to keep, in the order of their positions, each with the token chosen behind it. The
        last of these tokens is in no slot.
    """
    path: list[tuple[int, int]] = []
    alive = list(range(len(candidates)))
    slot = slots.candidate(0, 0)
    while True:
        token = choose(slot)
        path.append((slot, token))
        depth = len(path)
        if token in stop_ids or depth in (most, slots.shape.ngram):
            return path
        alive = [index for index in alive if candidates[index][depth - 1] == token]
        if not alive:
            return path
        slot = slots.candidate(alive[0], depth)
