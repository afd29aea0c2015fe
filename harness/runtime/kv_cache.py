"""The KV cache: fixed slots, one memory for the layouts of all AR lengths. Imports without torch.

Slot p holds position p and nothing is ever shifted (contract §2.5). A method that consumes AR
tokens reads ``slots = context_length - AR`` slots, so changing between prefill and decode changes
the stride of every row; the memory itself is allocated once, for the larger layout. Changing also
changes what the codes mean where the two graphs were calibrated apart (contract §4.9): each method
finds the cache in its own encodings, in every turn of a conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.runtime.encodings import CacheEncodings, Encoding, identity_encodings

Codes = NDArray[Any]
Requantize = Callable[[Codes, Encoding, Encoding], Codes]
"""Codes, their encoding, the encoding wanted."""


def requantize(codes: Codes, source: Encoding, target: Encoding) -> Codes:
    """Codes of one encoding to codes of another: nearest, saturated at the ends of the range.

    Args:
        codes: Integers of any shape.
        source: What the codes mean.
        target: What the result is to mean.

    Returns:
        Codes of the same shape and dtype. Within the target's range they stand for a value at most
        half a target step from the old one.
    """
    limits = np.iinfo(codes.dtype)
    real = (codes.astype(np.float64) - source.zero_point) * source.scale
    nearest = np.rint(real / target.scale) + target.zero_point
    saturated: Codes = np.clip(nearest, limits.min, limits.max).astype(codes.dtype)
    return saturated


def requantize_as_upstream(codes: Codes, source: Encoding, target: Encoding) -> Codes:
    """Truncate towards zero and wrap around, as the runner of PR #16536 does (contract §4.9).

    C++ leaves a cast out of range undefined; wrapping is what x86 makes of it. Upstream converts
    the slots that hold no position as well, which changes nothing where they hold the zero point:
    it becomes the target's exactly.

    Args:
        codes: Integers of any shape.
        source: What the codes mean.
        target: What the result is to mean.

    Returns:
        Codes of the same shape and dtype.
    """
    ratio = source.scale / target.scale
    moved = (codes.astype(np.float64) - source.zero_point) * ratio + target.zero_point
    return np.trunc(moved).astype(np.int64).astype(codes.dtype)


Array = NDArray[Any]


class KvCache:
    """K ``[1, kv_heads, head_dim, slots]`` and V ``[1, kv_heads, slots, head_dim]`` of all layers.

    Both are rows of slots in memory: ``kv_heads * head_dim`` rows with one element per slot for K,
    ``kv_heads`` rows with ``head_dim`` elements per slot for V. What follows is written for rows.

    Args:
        layers: Number of layers.
        kv_heads: KV heads per layer.
        head_dim: Width of one head.
        max_slots: Slots of the smallest AR that will be used.
        dtype: numpy dtype name, read from the decoder's metadata.
        encodings: What the codes mean at first; None for a cache of floats. A slot without a
            position holds its tensor's zero point.
        requantize: Converts codes from one graph's encoding to the other's.

    Attributes:
        filled: Positions held; also the next position to be written.
        slots: Slots of the present layout.
    """

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_dim: int,
        max_slots: int,
        dtype: str,
        encodings: CacheEncodings | None = None,
        requantize: Requantize = requantize,
    ) -> None:
        self._layers = layers
        self._kv_heads = kv_heads
        self._head_dim = head_dim
        self._encodings = (encodings or identity_encodings(layers)).in_input_order
        self._requantize = requantize
        self._rows = [kv_heads * head_dim] * layers + [kv_heads] * layers
        self._widths = [1] * layers + [head_dim] * layers
        numel = kv_heads * head_dim * max_slots
        self._memory = [np.full(numel, encoding.zero_point, dtype) for encoding in self._encodings]
        self.filled = 0
        self.slots = max_slots
        self._bind_rows()

    def views(self, slots: int) -> list[Array]:
        """Inputs of a method with this many slots: all K, then all V, in layer order.

        They share the cache's memory and are meaningful while :attr:`slots` equals ``slots``.
        """
        heads, dim = self._kv_heads, self._head_dim
        flat = [memory[: heads * dim * slots] for memory in self._memory]
        keys = [memory.reshape(1, heads, dim, slots) for memory in flat[: self._layers]]
        values = [memory.reshape(1, heads, slots, dim) for memory in flat[self._layers :]]
        return keys + values

    def arrange(self, slots: int, encodings: CacheEncodings | None = None) -> None:
        """Re-lay and requantize the filled slots for another method, in place.

        Slots without a position are emptied, so that no answer depends on what lay there before.

        Args:
            slots: Slots of the method.
            encodings: What the method takes the codes for; None for what they mean already.

        Raises:
            ValueError: If a filled slot would be lost.
        """
        if slots < self.filled:
            raise ValueError(f"{self.filled} filled slots do not fit into {slots}")
        wanted = self._encodings if encodings is None else encodings.in_input_order
        if slots == self.slots and wanted == self._encodings:
            return
        sources = self._row_views
        self.slots = slots
        self._bind_rows()
        for source, target, width, before, after in zip(
            sources, self._row_views, self._widths, self._encodings, wanted, strict=True
        ):
            end = self.filled * width
            filled = source[:, :end]
            if before != after:
                filled = self._requantize(filled, before, after)
            # numpy sees that both share memory and buffers the filled part where rows overlap.
            target[:, :end] = filled
            target[:, end:] = after.zero_point
        self._encodings = wanted

    def commit(self, new: Sequence[Array], count: int) -> None:
        """Append the first ``count`` columns of a method's new keys and values.

        Args:
            new: All K ``[1, kv_heads, head_dim, AR]``, then all V ``[1, kv_heads, AR, head_dim]``.
            count: Accepted tokens, at most AR.

        Raises:
            ValueError: If the slots do not suffice.
        """
        start, stop = self.filled, self.filled + count
        if stop > self.slots:
            raise ValueError(f"position {stop - 1} needs a slot, there are {self.slots}")
        for target, columns, width in zip(self._row_views, new, self._widths, strict=True):
            rows = columns.reshape(target.shape[0], -1)
            target[:, start * width : stop * width] = rows[:, : count * width]
        self.filled = stop

    def commit_columns(self, new: Sequence[Array], columns: Sequence[int]) -> None:
        """Append some columns of a method's new keys and values, one behind the other.

        Args:
            new: As for :meth:`commit`.
            columns: Which of the AR columns, in the order of their positions.

        Raises:
            ValueError: If the slots do not suffice.
        """
        picked = []
        for rows, tensor, width in zip(self._rows, new, self._widths, strict=True):
            by_column = tensor.reshape(rows, -1, width)
            picked.append(by_column[:, list(columns)])
        self.commit(picked, len(columns))

    def reset(self) -> None:
        """Forget all positions."""
        for memory, encoding in zip(self._memory, self._encodings, strict=True):
            memory.fill(encoding.zero_point)
        self.filled = 0

    def _bind_rows(self) -> None:
        self._row_views = [
            memory[: rows * width * self.slots].reshape(rows, width * self.slots)
            for memory, rows, width in zip(self._memory, self._rows, self._widths, strict=True)
        ]
