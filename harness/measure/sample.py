"""One measured value."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """One value of one run, kept even when it does not count.

    Attributes:
        value: In the metric's unit; infinite only where that means something, never NaN.
        invalid_reason: Why the value must not be judged ("thermal status rose"), None if it may.
    """

    value: float
    invalid_reason: str | None = None

    def __post_init__(self) -> None:
        if math.isnan(self.value):
            raise ValueError("a sample must be a number, not NaN")
