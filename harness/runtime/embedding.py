"""Text and image pieces of a turn to one run of embeddings (contract §4.4)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.runtime.program import Method

Rows = NDArray[np.float32]


class TokenEmbedding:
    """Looks token ids up, AR ids per call."""

    def __init__(self, method: Method) -> None:
        spec = method.inputs[0]
        self._tokens = np.zeros(spec.shape, spec.dtype)
        self._ar = spec.shape[1]
        self._hidden_size = method.outputs[0].shape[2]
        self._bound = method.bind([self._tokens])

    @property
    def execute_ns(self) -> int:
        """Time spent inside ExecuTorch since the program was loaded."""
        return self._bound.execute_ns

    def embed(self, token_ids: Sequence[int]) -> Rows:
        """Embed any number of ids; the unused tail of the last call keeps old ids.

        Returns:
            float32 ``[len(token_ids), hidden_size]``, the caller's own.
        """
        rows = np.empty((len(token_ids), self._hidden_size), np.float32)
        for start in range(0, len(token_ids), self._ar):
            chunk = token_ids[start : start + self._ar]
            self._tokens[0, : len(chunk)] = chunk
            rows[start : start + len(chunk)] = self._bound.execute()[0][0, : len(chunk)]
        return rows

    def embed_one(self, token_id: int) -> Rows:
        """Embed a single id without allocating.

        Returns:
            float32 ``[1, hidden_size]``, valid until the next call.
        """
        self._tokens[0, 0] = token_id
        rows: Rows = self._bound.execute()[0][0, :1]
        return rows


class VisionEncoder:
    """Turns the pixel values of one image into embedding rows."""

    def __init__(self, method: Method) -> None:
        self._pixels = np.zeros(method.inputs[0].shape, np.float32)
        self._bound = method.bind([self._pixels])

    @property
    def image_size_px(self) -> int:
        """Side of the square input image."""
        return self._pixels.shape[-1]

    def encode(self, pixels: NDArray[np.float32]) -> Rows:
        """Encode ``[1, 3, image_size_px, image_size_px]``.

        Returns:
            float32 ``[tokens_per_image, hidden_size]``, the caller's own.
        """
        self._pixels[...] = pixels
        rows: Rows = self._bound.execute()[0][0].copy()
        return rows
