"""The KV cache of a conversation in float, for graphs that are observed instead of run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from harness.export.graphs.text_decoder import StaticDecoder

Call = Callable[..., Sequence[Tensor]]
"""A decoder, or a graph traced from one: ``(rows, mask, positions, *caches)`` to its outputs."""


class FloatCache:
    """Float K and V of one conversation, in slots as the runner keeps them (contract §2.5).

    Args:
        decoder: Gives geometry, context and the mask's value.
    """

    def __init__(self, decoder: StaticDecoder) -> None:
        geometry, context = decoder.geometry, decoder.context_length
        self._context = context
        self._masked = decoder.masked
        self._layers = geometry.layers
        self._keys = torch.zeros(geometry.layers, 1, geometry.kv_heads, geometry.head_dim, context)
        self._values = torch.zeros(
            geometry.layers, 1, geometry.kv_heads, context, geometry.head_dim
        )
        self.filled = 0

    def step(self, call: Call, rows: Tensor, ar: int) -> Tensor:
        """Feed up to AR rows and keep what they add to the cache.

        Args:
            call: The decoder.
            rows: float32 ``[n, hidden]`` with ``1 <= n <= ar``.
            ar: Tokens that ``call`` consumes; a short chunk is filled up with its last row, whose
                columns are not kept, so that observers see nothing that cannot occur.

        Returns:
            Logits of the n rows, ``[n, vocabulary]``.
        """
        count, start, past = len(rows), self.filled, self._context - ar
        padded = torch.cat([rows, rows[-1:].expand(ar - count, -1)])[None]
        positions = torch.arange(start, start + ar, dtype=torch.int32).clamp(max=self._context - 1)
        outputs = call(
            padded,
            self._mask(ar),
            positions[None],
            *[keys[..., :past] for keys in self._keys],
            *[values[:, :, :past] for values in self._values],
        )
        end = start + count
        for layer in range(self._layers):
            self._keys[layer][..., start:end] = outputs[1 + layer][..., :count]
            new_values = outputs[1 + self._layers + layer][:, :, :count]
            self._values[layer][:, :, start:end] = new_values
        self.filled = end
        return outputs[0][0, :count]

    def _mask(self, ar: int) -> Tensor:
        """Attend to the filled slots and causally to the new columns."""
        past = self._context - ar
        mask = torch.full((1, 1, ar, self._context), self._masked)
        mask[..., : self.filled] = 0
        mask[0, 0, :, past:] = torch.triu(torch.full((ar, ar), self._masked), diagonal=1)
        return mask
