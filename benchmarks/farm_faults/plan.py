"""Which fault strikes whom, and for how long: what a seed draws."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "job killed",
    "worker killed",
    "scheduler killed",
    "adb server killed",
    "store gone",
    "store full",
    "network cut",
    "network silent",
]


@dataclass(frozen=True)
class FaultOdds:
    """How often one kind of fault strikes, and how long it lasts.

    Attributes:
        weight: Its share among all.
        lasts_s: Shortest and longest time until all is as before.
    """

    weight: int
    lasts_s: tuple[float, float]


KINDS: Mapping[FaultKind, FaultOdds] = {
    "job killed": FaultOdds(5, (0.0, 0.0)),
    "worker killed": FaultOdds(4, (0.0, 8.0)),
    "scheduler killed": FaultOdds(2, (0.0, 8.0)),
    "adb server killed": FaultOdds(4, (0.0, 6.0)),
    "store gone": FaultOdds(2, (1.0, 8.0)),
    "store full": FaultOdds(2, (1.0, 8.0)),
    "network cut": FaultOdds(2, (0.5, 8.0)),
    # Beyond half a minute a scheduler gives a host up that says nothing.
    "network silent": FaultOdds(1, (2.0, 45.0)),
}


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        kind: What happens.
        lasts_s: Until it is over.
        choice: Number from 0 to 1 by which one of those that it may strike is chosen then.
    """

    kind: FaultKind
    lasts_s: float
    choice: float


def draw(seed: int, count: int, kinds: Mapping[FaultKind, FaultOdds] = KINDS) -> tuple[Fault, ...]:
    """Faults in the order in which they strike; each kind that is drawn from strikes at least once.

    Args:
        seed: The same draws the same.
        count: How many.
        kinds: Which.

    Raises:
        ValueError: If there are more kinds than faults.
    """
    if count < len(kinds):
        raise ValueError(f"{count} faults cannot be of {len(kinds)} kinds")
    chance = random.Random(seed)
    rest = chance.choices(
        list(kinds), [kind.weight for kind in kinds.values()], k=count - len(kinds)
    )
    names = [*kinds, *rest]
    chance.shuffle(names)
    return tuple(
        Fault(name, chance.uniform(*kinds[name].lasts_s), chance.random()) for name in names
    )
