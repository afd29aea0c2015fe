"""Codes of one encoding to codes of another, for a KV cache between two graphs.

Source: ExecuTorch PR #16536, which calibrates prefill and decode apart (contract §4.9). Imports
without torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.runtime.encodings import Encoding

Codes = NDArray[Any]
Requantize = Callable[[Codes, Encoding, Encoding], Codes]
"""Codes, their encoding, the encoding wanted."""


def requantize(codes: Codes, source: Encoding, target: Encoding) -> Codes:
    """Round to the nearest code of the target and saturate at the ends of its range.

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
