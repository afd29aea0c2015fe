"""Logits to a token id. Imports without torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.runtime.encodings import IDENTITY, Encoding


class Sampler:
    """Greedy at temperature 0, else temperature and top-p sampling (contract §4.7).

    Greedy compares codes as they are: an encoding does not change their order, and codes tie where
    the values of a float model would not, which must be decided as upstream does.

    Args:
        temperature: 0 for greedy; NaN for token 0 always, which is where upstream's sampler ends
            without a probability that is a number.
        top_p: Probability mass that the candidates must reach.
        seed: Seeds a generator of its own, so that a conversation can be repeated.
        encoding: What the logits' codes mean; a temperature is one of real logits.
    """

    def __init__(
        self, temperature: float, top_p: float, seed: int, encoding: Encoding = IDENTITY
    ) -> None:
        self._temperature = temperature
        self._top_p = top_p
        self._encoding = encoding
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
        if math.isnan(self._temperature):
            return 0
        codes = logits.astype(np.float64)
        return self._draw((codes - self._encoding.zero_point) * self._encoding.scale)

    def _draw(self, logits: NDArray[np.float64]) -> int:
        # Logits divided by the least temperatures would be no numbers, all but this difference.
        with np.errstate(over="ignore"):
            scaled = (logits - logits.max()) / self._temperature
        weights = np.exp(scaled - scaled.max())
        order = np.argsort(-weights, kind="stable")
        cumulative = np.cumsum(weights[order] / weights.sum())
        candidates = int(np.searchsorted(cumulative, self._top_p)) + 1
        # The sum of all can fall short of top_p = 1 by rounding.
        candidates = min(candidates, len(order))
        threshold = self._random.random() * cumulative[candidates - 1]
        return int(order[np.searchsorted(cumulative[:candidates], threshold, side="right")])


def sampling_encoding(
    found: Encoding | None, dtype: str, *, temperature: float, upstream_compat: bool
) -> Encoding:
    """What a sampler takes a decoder's logits for.

    Args:
        found: Encoding that the file tells, None if it does not.
        dtype: numpy dtype name of the logits.
        temperature: Of the sampler.
        upstream_compat: Take codes for logits, as upstream does: the temperature that counts is
            then the given one times the scale (contract §4.7).

    Raises:
        UserError: If the temperature cannot be applied because the file does not tell.
    """
    if temperature == 0.0 or upstream_compat:
        return IDENTITY
    if found is None:
        raise UserError(
            f"--temperature {temperature:g} cannot be applied: the decoder's logits are {dtype} "
            f"codes and its file has no get_logits_scale; use --temperature 0, or "
            f"--upstream_compat to take the codes for logits."
        )
    return found
