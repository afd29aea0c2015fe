"""Logits to a token id. Imports without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError


class Sampler:
    """Greedy at temperature 0, else temperature and top-p sampling (contract §4.7).

    Args:
        temperature: 0 for greedy.
        top_p: Probability mass that the candidates must reach.
        seed: Seeds a generator of its own, so that a conversation can be repeated.
    """

    def __init__(self, temperature: float, top_p: float, seed: int) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._random = np.random.default_rng(seed)

    def sample(self, logits: NDArray[Any]) -> int:
        """Choose a token from one row of logits ``[vocab_size]``; the lowest index wins ties.

        Raises:
            UserError: If the row contains NaN, which no choice could repair.
        """
        best = int(logits.argmax())
        # numpy's argmax returns the first NaN where there is one, so this looks at the whole row.
        if logits[best] != logits[best]:
            raise UserError(
                "The decoder returned NaN logits; export the text decoder in a wider precision."
            )
        if self._temperature == 0.0:
            return best
        return self._draw(logits.astype(np.float64), best)

    def _draw(self, logits: NDArray[np.float64], best: int) -> int:
        weights = np.exp((logits - logits[best]) / self._temperature)
        order = np.argsort(-weights, kind="stable")
        cumulative = np.cumsum(weights[order] / weights.sum())
        candidates = int(np.searchsorted(cumulative, self._top_p)) + 1
        # The sum of all can fall short of top_p = 1 by rounding.
        candidates = min(candidates, len(order))
        threshold = self._random.random() * cumulative[candidates - 1]
        return int(order[np.searchsorted(cumulative[:candidates], threshold, side="right")])
