"""KV caches of the plain loop: what slots hold that no position fills, in two ways.

Nothing here comes from ``harness.runtime``, whose cache these are to confirm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class CacheSizes:
    """Sizes of one decoder's cache of uint16 codes.

    Attributes:
        layers: Each of them has a K, and a V.
        heads: KV heads.
        width: Of a head.
        context_length: Slots and current tokens of every method.
    """

    layers: int
    heads: int
    width: int
    context_length: int


class PlainCaches(Protocol):
    """All K ``[1, heads, width, slots]``, then all V ``[1, heads, slots, width]``."""

    def past(self, slots: int) -> list[Tensor]:
        """What a method with so many slots is given."""
        ...

    def keep(self, new: Sequence[Tensor], start: int, count: int) -> None:
        """Put the first ``count`` columns of a method's output into the slots from ``start`` on."""
        ...


class ZeroPointCaches:
    """Slots of the whole context, cut for every call; an empty one holds its zero point.

    Args:
        sizes: Of the decoder.
        zero_points: Of all K, then of all V.
    """

    def __init__(self, sizes: CacheSizes, zero_points: Sequence[int]) -> None:
        self._layers = sizes.layers
        self._caches = []
        for index, zero_point in enumerate(zero_points):
            is_key = index < sizes.layers
            slots = sizes.context_length
            shape = (sizes.width, slots) if is_key else (slots, sizes.width)
            codes = torch.full((1, sizes.heads, *shape), zero_point, dtype=torch.int32)
            self._caches.append(codes.to(torch.uint16))

    def past(self, slots: int) -> list[Tensor]:
        """Copies of the first slots."""
        return [
            (cache[..., :slots] if index < self._layers else cache[:, :, :slots]).contiguous()
            for index, cache in enumerate(self._caches)
        ]

    def keep(self, new: Sequence[Tensor], start: int, count: int) -> None:
        """Write into the whole context's slots."""
        _write(self._caches, self._layers, new, start, count)


class MovedCaches:
    """Memory of upstream's ``KVManager``: code 0 at first, rows moved in place one by one.

    Args:
        sizes: Of the decoder.
        slots: Of the method that prompts go through.
        most_slots: Of the method with the most.
    """

    def __init__(self, sizes: CacheSizes, slots: int, most_slots: int) -> None:
        self._sizes = sizes
        self._slots = slots
        numel = sizes.heads * sizes.width * most_slots
        self._memories = [
            torch.zeros(numel, dtype=torch.int32).to(torch.uint16) for _ in range(2 * sizes.layers)
        ]

    def past(self, slots: int) -> list[Tensor]:
        """The memory itself, after its rows were moved for another number of slots."""
        if slots != self._slots:
            for index, memory in enumerate(self._memories):
                is_key = index < self._sizes.layers
                rows = self._sizes.heads * (self._sizes.width if is_key else 1)
                width = 1 if is_key else self._sizes.width
                _move_rows(memory, rows, self._slots * width, slots * width)
            self._slots = slots
        return self._views()

    def keep(self, new: Sequence[Tensor], start: int, count: int) -> None:
        """Write into the present layout's slots."""
        _write(self._views(), self._sizes.layers, new, start, count)

    def _views(self) -> list[Tensor]:
        heads, width, slots = self._sizes.heads, self._sizes.width, self._slots
        flat = [memory[: heads * width * slots] for memory in self._memories]
        layers = self._sizes.layers
        return [
            memory.view(1, heads, *((width, slots) if index < layers else (slots, width)))
            for index, memory in enumerate(flat)
        ]


def _move_rows(memory: Tensor, rows: int, source: int, target: int) -> None:
    """Rows of ``source`` elements to rows of ``target``, from the end that nothing overwrites."""
    count = min(source, target)
    for row in range(rows) if source > target else reversed(range(rows)):
        moved = memory[row * source : row * source + count].clone()
        memory[row * target : row * target + count] = moved


def _write(
    caches: Sequence[Tensor], layers: int, new: Sequence[Tensor], start: int, count: int
) -> None:
    for index, (cache, columns) in enumerate(zip(caches, new, strict=True)):
        if index < layers:
            cache[..., start : start + count] = columns[..., :count]
        else:
            cache[:, :, start : start + count] = columns[:, :, :count]
