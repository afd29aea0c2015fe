"""Tokens of one pass that are alternatives rather than a sequence. Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass

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
