"""Which token of a lookahead pass stands where (contract §4.8). Imports without torch.

A pass begins with the lookahead branch: ``ngram - 1`` levels of ``window`` tokens, of which slot 0
is the last token of the answer and all others are guesses. Behind it come the candidates: n-grams
that began with that last token before, ``ngram - 1`` tokens each.
"""

from __future__ import annotations

import numpy as np

from harness.runtime.token_tree import TokenTree
from harness.vlm.mode import LookaheadShape

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
