"""The decoder's attention mask. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TokenTree:
    """Where the tokens of a pass stand and which of them each one sees.

    Attributes:
        offsets: int32 ``[tokens]``, position of each token behind the cache.
        visible: bool ``[tokens, tokens]``; row i names the tokens of the pass that token i attends
            to, itself included. All of them attend to the whole cache.
    """

    offsets: NDArray[np.int32]
    visible: NDArray[np.bool_]


_CODES: dict[str, tuple[float, float]] = {
    "uint16": (65535, 0),
    "uint8": (255, 0),
    "float32": (0.0, -65535.0),
}
"""Values for "attend" and "masked" of each dtype (contract §2.3)."""


class AttentionMask:
    """``[1, 1, AR, context_length]``: first the cache's slots, then the AR current tokens.

    Files of before July 2026 have it as ``[1, AR, context_length]`` (contract §1.5).

    Args:
        ar: Tokens per call.
        context_length: Slots and current tokens together.
        dtype: numpy dtype name, read from the decoder's metadata.
        rank: Dimensions that the method declares, 3 or 4.
    """

    def __init__(self, ar: int, context_length: int, dtype: str, rank: int = 4) -> None:
        self._attend, self._masked = _CODES[dtype]
        self._rows: NDArray[Any] = np.full((ar, context_length), self._masked, dtype)
        self.array = self._rows.reshape(*(1,) * (rank - 2), ar, context_length)
        self._slots = context_length - ar
        self._causal = np.tril(np.ones((ar, ar), dtype=bool))

    def begin(self, n_past: int) -> None:
        """Let row i attend to slots ``0 .. n_past-1`` and to current tokens ``0 .. i``."""
        self._rows[:, :n_past] = self._attend
        self._rows[:, n_past:] = self._masked
        self._rows[:, self._slots :][self._causal] = self._attend

    def link(self, visible: NDArray[np.bool_]) -> None:
        """Let current tokens attend to each other as told instead of causally.

        Args:
            visible: ``[tokens, tokens]``, tokens at most AR: row i names the current tokens that
                token i attends to. Beyond them no current token attends or is attended to.
        """
        tokens = len(visible)
        block = self._rows[:, self._slots :]
        block[...] = self._masked
        block[:tokens, :tokens][visible] = self._attend

    def open(self, start: int, count: int) -> None:
        """Let all rows attend to slots ``start .. start+count-1``, which were just filled."""
        self._rows[:, start : start + count] = self._attend
