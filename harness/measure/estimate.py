"""A value found on some scenes, with what it may be on others.

Answers repeat exactly, so nothing is learned from asking again; what may come out differently is
which scenes were asked about. Questions about one scene may stand or fall together, and count as
one where they do (statistics §2.9).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.measure.verdict import Interval

CONFIDENCE = 0.985
"""Of each bound: three looks at growing numbers of scenes then err by 5.5 % at most in all."""

SCENE_COUNTS = (160, 500, 1000)
"""Scenes in all at the further looks that an open verdict asks for."""

FURTHER_LOOKS = 2
"""Each look is another chance to err."""


@dataclass(frozen=True)
class Estimate:
    """A value over all units that were looked at.

    Attributes:
        value: In the metric's unit.
        interval: What the bounds are.
        lower: On other scenes it is at least this, 98.5 % sure; None where too few were looked at.
        upper: It is at most this, 98.5 % sure.
        count_of: Units.
        counted: What they are, in the singular.
        count: How many of them count, in part where a unit may; None where it is no share.
        told: The count in words.
    """

    value: float
    interval: Interval
    lower: float | None
    upper: float | None
    count_of: int
    counted: str
    count: float | None
    told: str


def effective_count(clusters: Iterable[str]) -> float:
    """How many independent units scatter as much as these do, should each cluster agree (Kish)."""
    sizes = Counter(clusters).values()
    return float(sum(sizes) ** 2 / sum(size**2 for size in sizes))


def scene_looks(first: int, most: int = SCENE_COUNTS[-1]) -> tuple[int, ...]:
    """How many scenes there are in all at each look, the next one only while a verdict is open.

    Args:
        first: At the first look.
        most: At the last look, unless the first has more.
    """
    counts = dict.fromkeys(min(count, most) for count in SCENE_COUNTS)
    return (first, *[count for count in counts if count > first][:FURTHER_LOOKS])
