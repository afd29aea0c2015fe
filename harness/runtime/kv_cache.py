"""The KV cache: fixed slots, one memory for the layouts of all AR lengths. Imports without torch.

Slot p holds position p and nothing is ever shifted (contract §2.5). A method that consumes AR
tokens reads ``slots = context_length - AR`` slots, so changing between prefill and decode changes
the stride of every row; the memory itself is allocated once, for the larger layout. Changing also
changes what the codes mean where the two graphs were calibrated apart (contract §4.9): each method
finds the cache in its own encodings, in every turn of a conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.runtime.cache_contents import CacheContents, EmptiedSlots, Layout, SlotRows
from harness.runtime.encodings import CacheEncodings, Encoding, identity_encodings

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
        encodings: What the codes mean at first; None for a cache of floats.
        contents: What slots without a position hold; by default the zero point of their tensor.

    Attributes:
        filled: Positions held; also the next position to be written.
        slots: Slots of the present layout.
        capacity: Positions that the method can hold for which the layout is; more than there are
            slots where it takes short caches.
    """

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_dim: int,
        max_slots: int,
        dtype: str,
        encodings: CacheEncodings | None = None,
        contents: CacheContents | None = None,
    ) -> None:
        self._layers = layers
        self._kv_heads = kv_heads
        self._head_dim = head_dim
        self._encodings = (encodings or identity_encodings(layers)).in_input_order
        self._contents = contents or EmptiedSlots()
        numel = kv_heads * head_dim * max_slots
        shapes = [(kv_heads * head_dim, 1)] * layers + [(kv_heads, head_dim)] * layers
        codes = [self._contents.empty_code(encoding) for encoding in self._encodings]
        self._tensors = [
            SlotRows(_filled(numel, dtype, code), *shape)
            for code, shape in zip(codes, shapes, strict=True)
        ]
        self.filled = 0
        self.capacity = self._max_slots = max_slots
        self._reached = 0
        self._take(max_slots, self._encodings)

    def views(self, slots: int) -> list[Array]:
        """Inputs of a method with this many slots: all K, then all V, in layer order.

        They share the cache's memory and are meaningful while :attr:`slots` equals ``slots``.
        """
        heads, dim = self._kv_heads, self._head_dim
        flat = [tensor.view(slots) for tensor in self._tensors]
        keys = [rows.reshape(1, heads, dim, slots) for rows in flat[: self._layers]]
        values = [rows.reshape(1, heads, slots, dim) for rows in flat[self._layers :]]
        return keys + values

    def held(self) -> tuple[list[Array], list[Array]]:
        """What the filled positions hold, as real numbers.

        Returns:
            K ``[kv_heads, head_dim, positions]`` and V ``[kv_heads, positions, head_dim]`` of each
            layer, float32, the caller's own.
        """
        real = []
        for codes, encoding in zip(self.views(self.slots), self._encodings, strict=True):
            shifted = codes[0].astype(np.float32) - np.float32(encoding.zero_point)
            real.append(shifted * np.float32(encoding.scale))
        keys = [one[..., : self.filled] for one in real[: self._layers]]
        return keys, [one[:, : self.filled] for one in real[self._layers :]]

    def arrange(
        self, slots: int, encodings: CacheEncodings | None = None, capacity: int | None = None
    ) -> None:
        """Re-lay and requantize the cache for another method, in place.

        Args:
            slots: Slots that the method is given.
            encodings: What the method takes the codes for; None for what they mean already.
            capacity: Slots that it could be given; None for no more.

        Raises:
            ValueError: If a filled slot would be lost.
        """
        if slots < self.filled:
            raise ValueError(f"{self.filled} filled slots do not fit into {slots}")
        self.capacity = slots if capacity is None else capacity
        wanted = self._encodings if encodings is None else encodings.in_input_order
        if slots == self.slots and wanted == self._encodings:
            return
        for tensor, before, after in zip(self._tensors, self._encodings, wanted, strict=True):
            source, target = Layout(self.slots, before), Layout(slots, after)
            self._contents.move(tensor, source, target, self.filled)
        self._reached = max(self._reached, slots if wanted == self._encodings else self._max_slots)
        self._take(slots, wanted)

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
        for tensor, target, columns in zip(self._tensors, self._rows, new, strict=True):
            rows, width = columns.reshape(tensor.rows, -1), tensor.width
            target[:, start * width : stop * width] = rows[:, : count * width]
        self._reached = max(self._reached, self.slots)
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
        for tensor, outputs in zip(self._tensors, new, strict=True):
            by_column = outputs.reshape(tensor.rows, -1, tensor.width)
            picked.append(by_column[:, list(columns)])
        self.commit(picked, len(columns))

    def rewind(self, filled: int) -> None:
        """Give the positions from ``filled`` on to what comes next."""
        self.filled = filled

    def reset(self) -> None:
        """Forget all positions; memory that no layout has reached stays untouched."""
        for tensor, encoding in zip(self._tensors, self._encodings, strict=True):
            tensor.view(self._reached).fill(self._contents.empty_code(encoding))
        self.filled = 0

    def _take(self, slots: int, encodings: tuple[Encoding, ...]) -> None:
        self.slots = slots
        self._encodings = encodings
        self._rows = [tensor.view(slots) for tensor in self._tensors]


def _filled(numel: int, dtype: str, code: int) -> Array:
    """Elements that are one code; zeros take no memory before they are written or read."""
    return np.full(numel, code, dtype) if code else np.zeros(numel, dtype)
