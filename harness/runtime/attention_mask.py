"""The decoder's attention mask. Imports without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_CODES: dict[str, tuple[float, float]] = {
    "uint16": (65535, 0),
    "uint8": (255, 0),
    "float32": (0.0, -65535.0),
}
"""Values for "attend" and "masked" of each dtype (contract §2.3)."""


class AttentionMask:
    """``[1, 1, AR, context_length]``: first the cache's slots, then the AR current tokens.

    Args:
        ar: Tokens per call.
        context_length: Slots and current tokens together.
        dtype: numpy dtype name, read from the decoder's metadata.
    """

    def __init__(self, ar: int, context_length: int, dtype: str) -> None:
        self._attend, self._masked = _CODES[dtype]
        self.array: NDArray[Any] = np.full((1, 1, ar, context_length), self._masked, dtype)
        self._slots = context_length - ar
        self._causal = np.tril(np.ones((ar, ar), dtype=bool))

    def begin(self, n_past: int) -> None:
        """Let row i attend to slots ``0 .. n_past-1`` and to current tokens ``0 .. i``."""
        rows = self.array[0, 0]
        rows[:, :n_past] = self._attend
        rows[:, n_past:] = self._masked
        rows[:, self._slots :][self._causal] = self._attend

    def link(self, visible: NDArray[np.bool_]) -> None:
        """Let current tokens attend to each other as told instead of causally.

        Args:
            visible: ``[tokens, tokens]``, tokens at most AR: row i names the current tokens that
                token i attends to. Beyond them no current token attends or is attended to.
        """
        tokens = len(visible)
        block = self.array[0, 0, :, self._slots :]
        block[...] = self._masked
        block[:tokens, :tokens][visible] = self._attend

    def open(self, start: int, count: int) -> None:
        """Let all rows attend to slots ``start .. start+count-1``, which were just filled."""
        self.array[0, 0, :, start : start + count] = self._attend
