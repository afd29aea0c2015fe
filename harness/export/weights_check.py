"""Weights that are no numbers, found before an export is begun. Imports without torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.checkpoint.stored_tensors import StoredTensor
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.checkpoint.checkpoint import PlacedTensor

_WORDS = {"F64": "<u8", "F32": "<u4", "F16": "<u2", "BF16": "<u2"}
_EXPONENTS = {
    "F64": 0x7FF0_0000_0000_0000,
    "F32": 0x7F80_0000,
    "F16": 0x7C00,
    "BF16": 0x7F80,
}
"""Bits of the exponent, all of which are set in NaN and in infinity alone (IEEE 754; bfloat16 is
the upper half of a float32)."""


def check_weights(weights: Mapping[str, PlacedTensor]) -> None:
    """Refuse a component's weights with NaN or infinity among them.

    Args:
        weights: As ``Checkpoint.components`` has them.

    Raises:
        UserError: If a value is no finite number.
    """
    for placed in weights.values():
        broken = _count_broken(placed.stored)
        if broken:
            stored = placed.stored
            raise UserError(
                f"{stored.file} holds {broken} of {np.prod(stored.shape, dtype=int)} values in "
                f"{placed.key} that are no finite number, so that a model of them is dead; give "
                "another --checkpoint."
            )


def _count_broken(stored: StoredTensor) -> int:
    if stored.dtype not in _WORDS:
        return 0
    mask = _EXPONENTS[stored.dtype]
    broken = 0
    for block in stored.blocks():
        words: NDArray[Any] = np.frombuffer(block, _WORDS[stored.dtype])
        broken += int(np.count_nonzero((words & mask) == mask))
    return broken
