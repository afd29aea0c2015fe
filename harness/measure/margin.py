"""How clearly a token won over the one that came closest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Margin:
    """The two best tokens of one row of logits.

    Attributes:
        gap: Logit of the best minus that of the other, in the logits' own unit.
        best_id: Greedy decoding chooses it.
        runner_up_id: What another rounding might choose.
    """

    gap: float
    best_id: int
    runner_up_id: int

    def is_between(self, one_id: int, other_id: int) -> bool:
        """Whether these are the two tokens."""
        return {one_id, other_id} == {self.best_id, self.runner_up_id}


def margin_of(logits: ArrayLike) -> Margin:
    """The two best of ``[vocab_size]`` logits, at least two; the lowest index wins ties."""
    row = np.asarray(logits)
    best = int(row.argmax())
    candidates = np.argpartition(row, -2)[-2:]
    # Where more than two tie, the best can be missing from the two that partitioning found.
    runner_up = int(next(token for token in candidates if token != best))
    gap = float(row[best].item() - row[runner_up].item())
    return Margin(gap, best, runner_up)
