"""What the memory of a KV cache holds where no position is, ours and upstream's.

A graph that obeys its mask never shows it. Upstream's prefill graphs do not obey theirs on QNN 2.47
(contract §2.3), so there it decides what users of upstream's runner read. Imports without torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.runtime.encodings import Encoding

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SlotRows:
    """K or V of one layer: rows of slots, in a memory that the layouts of all AR lengths share.

    Attributes:
        memory: One element per row, slot and ``width``, for the largest number of slots.
        rows: ``kv_heads * head_dim`` of K, ``kv_heads`` of V.
        width: Elements per slot: 1 of K, ``head_dim`` of V.
    """

    memory: Array
    rows: int
    width: int

    def view(self, slots: int) -> Array:
        """``[rows, slots * width]`` of the layout with so many slots."""
        return self.memory[: self.rows * self.width * slots].reshape(self.rows, self.width * slots)


@dataclass(frozen=True)
class Layout:
    """How a method reads the rows: slots in each, and what a code means."""

    slots: int
    encoding: Encoding


class CacheContents(Protocol):
    """Fills the slots of a cache that hold no position."""

    def empty_code(self, encoding: Encoding) -> int:
        """What every slot holds at first."""
        ...

    def move(self, tensor: SlotRows, source: Layout, target: Layout, filled: int) -> None:
        """Bring ``filled`` positions, and what else there is, from one layout into another."""
        ...


class EmptiedSlots:
    """Zero points: a slot without a position stands for 0, whatever lay there before."""

    def empty_code(self, encoding: Encoding) -> int:
        """The zero point."""
        return encoding.zero_point

    def move(self, tensor: SlotRows, source: Layout, target: Layout, filled: int) -> None:
        """Move the positions and empty all other slots."""
        end = filled * tensor.width
        positions = tensor.view(source.slots)[:, :end]
        if source.encoding != target.encoding:
            positions = requantize(positions, source.encoding, target.encoding)
        rows = tensor.view(target.slots)
        # numpy sees that both share memory and buffers the positions where rows overlap.
        rows[:, :end] = positions
        rows[:, end:] = target.encoding.zero_point


class UpstreamSlots:
    """Code 0 at first, then whatever earlier layouts left: rows are moved whole.

    Source: ``KVManager::rearrange_key`` and ``rearrange_value`` of upstream's ``kv_manager.cpp``,
    with memory of ``ClientMem``; its runner of PR #16536 requantizes all of it (contract §4.9).
    """

    def empty_code(self, encoding: Encoding) -> int:
        """Zero, which is not what stands for 0."""
        return 0

    def move(self, tensor: SlotRows, source: Layout, target: Layout, filled: int) -> None:
        """Move as much of each row as both layouts hold; what lies behind it stays as it is.

        A cache that holds no position is that of a new process, which converts nothing.
        """
        if source.encoding != target.encoding and filled:
            tensor.memory[...] = requantize_as_upstream(
                tensor.memory, source.encoding, target.encoding
            )
        end = min(source.slots, target.slots) * tensor.width
        tensor.view(target.slots)[:, :end] = tensor.view(source.slots)[:, :end]


def requantize(codes: Array, source: Encoding, target: Encoding) -> Array:
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
    saturated: Array = np.clip(nearest, limits.min, limits.max).astype(codes.dtype)
    return saturated


def requantize_as_upstream(codes: Array, source: Encoding, target: Encoding) -> Array:
    """Truncate towards zero and wrap around, as the runner of PR #16536 does (contract §4.9).

    C++ leaves a cast out of range undefined; wrapping is what x86 makes of it.

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
