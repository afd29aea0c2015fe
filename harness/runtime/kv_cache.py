"""The KV cache: fixed slots, one memory for the layouts of all AR lengths. Imports without torch.

Slot p holds position p and nothing is ever shifted (contract §2.5). A method that consumes AR
tokens reads ``slots = context_length - AR`` slots, so changing between prefill and decode changes
the stride of every row; the memory itself is allocated once, for the larger layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        empty: Value of a slot that holds no position; the zero point of a quantized cache.
    """

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_dim: int,
        max_slots: int,
        dtype: str,
        empty: float = 0,
    ) -> None:
        self._layers = layers
        self._kv_heads = kv_heads
        self._head_dim = head_dim
        self._empty = empty
        self._rows = [kv_heads * head_dim] * layers + [kv_heads] * layers
        self._widths = [1] * layers + [head_dim] * layers
        numel = kv_heads * head_dim * max_slots
        self._memory = [np.full(numel, empty, dtype) for _ in range(2 * layers)]
        self._filled = 0
        self._slots = max_slots
        self._bind_rows()

    @property
    def filled(self) -> int:
        """Positions held; also the next position to be written."""
        return self._filled

    @property
    def slots(self) -> int:
        """Slots of the present layout."""
        return self._slots

    def views(self, slots: int) -> list[Array]:
        """Inputs of a method with this many slots: all K, then all V, in layer order.

        They share the cache's memory and are meaningful while :attr:`slots` equals ``slots``.
        """
        heads, dim = self._kv_heads, self._head_dim
        flat = [memory[: heads * dim * slots] for memory in self._memory]
        keys = [memory.reshape(1, heads, dim, slots) for memory in flat[: self._layers]]
        values = [memory.reshape(1, heads, slots, dim) for memory in flat[self._layers :]]
        return keys + values

    def arrange(self, slots: int) -> None:
        """Re-lay the filled slots for a method with another AR, in place.

        Slots without a position are emptied, so that no answer depends on what lay there before.

        Raises:
            ValueError: If a filled slot would be lost.
        """
        if slots < self._filled:
            raise ValueError(f"{self._filled} filled slots do not fit into {slots}")
        if slots == self._slots:
            return
        sources = self._row_views
        self._slots = slots
        self._bind_rows()
        for source, target, width in zip(sources, self._row_views, self._widths, strict=True):
            end = self._filled * width
            # numpy sees that both share memory and buffers the filled part where rows overlap.
            target[:, :end] = source[:, :end]
            target[:, end:] = self._empty

    def commit(self, new: Sequence[Array], count: int) -> None:
        """Append the first ``count`` columns of a method's new keys and values.

        Args:
            new: All K ``[1, kv_heads, head_dim, AR]``, then all V ``[1, kv_heads, AR, head_dim]``.
            count: Accepted tokens, at most AR.

        Raises:
            ValueError: If the slots do not suffice.
        """
        start, stop = self._filled, self._filled + count
        if stop > self._slots:
            raise ValueError(f"position {stop - 1} needs a slot, there are {self._slots}")
        for target, columns, width in zip(self._row_views, new, self._widths, strict=True):
            rows = columns.reshape(target.shape[0], -1)
            target[:, start * width : stop * width] = rows[:, : count * width]
        self._filled = stop

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
        for memory in self._memory:
            memory.fill(self._empty)
        self._filled = 0

    def _bind_rows(self) -> None:
        self._row_views = [
            memory[: rows * width * self._slots].reshape(rows, width * self._slots)
            for memory, rows, width in zip(self._memory, self._rows, self._widths, strict=True)
        ]
