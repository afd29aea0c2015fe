"""Where a history of nightly medians changed its level, judged night by night.

One series per model, metric and physical phone or host, never pooled. ``find_change_points``
replays the history as the nights came, so what it says of a night never changes afterwards;
``alerts`` are the changes that the latest night brought to light.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.measure.metrics import Better

MIN_SEGMENT = 5
"""Nights on either side of a change before it is believed (statistics §2.6)."""

_MIN_TAIL = 2
"""Latest nights that are looked at for a step: one alone may be odd."""

P_VALUE = 1e-3
"""Chance of a split as clear as this in a night without any change, all positions considered."""

MIN_CHANGE = 0.015
"""Smallest change that is told: half of the 3 % that must be found."""


@dataclass(frozen=True)
class ChangePoint:
    """A step in a history.

    Attributes:
        index: First night of the new level, counted from 0.
        found_at: Night by which it was found, counted from 0; at least four nights later.
        before: Mean of the nights before the step, back to the previous one.
        after: Mean of the nights from the step to ``found_at``.
        p_value: Of the t test between both, times the number of positions that were tried.
    """

    index: int
    found_at: int
    before: float
    after: float
    p_value: float

    @property
    def ratio(self) -> float:
        """Level after the step over the level before it."""
        return self.after / self.before

    def is_worse(self, better: Better) -> bool:
        """Whether the metric went the wrong way."""
        return (self.after < self.before) == (better == "higher")


def find_change_points(history: Sequence[float]) -> list[ChangePoint]:
    """All changes of level, in order of time.

    Each night the nights since the last change are split where the t statistic is largest; p times
    the number of splits (Bonferroni) decides once five nights lie on either side.

    Args:
        history: One positive value per night, without gaps.

    Raises:
        ValueError: If a value is not positive and finite.
    """
    values = np.asarray(history, dtype=np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("a history needs positive finite values")
    found: list[ChangePoint] = []
    start = 0
    for tonight in range(len(values)):
        change = _latest_change(values, start, tonight)
        if change is not None:
            found.append(change)
            start = change.index
    return found


def alerts(history: Sequence[float], better: Better) -> list[ChangePoint]:
    """Changes to the worse that the latest night revealed; told once, by the night that sees them.

    Args:
        history: As for ``find_change_points``.
        better: Direction of the metric.

    Raises:
        ValueError: If a value is not positive and finite.
    """
    latest = len(history) - 1
    changes = find_change_points(history)
    return [change for change in changes if change.found_at == latest and change.is_worse(better)]


def _latest_change(values: NDArray[np.float64], start: int, tonight: int) -> ChangePoint | None:
    segment = values[start : tonight + 1]
    splits = np.arange(MIN_SEGMENT, len(segment) - _MIN_TAIL + 1)
    if not len(splits):
        return None
    t_values = _t_statistics(segment, splits)
    best = int(t_values.argmax())
    split = int(splits[best])
    # A young step already shows at earlier splits; it is told only when its own night is believed.
    if len(segment) - split < MIN_SEGMENT:
        return None
    before, after = float(segment[:split].mean()), float(segment[split:].mean())
    if abs(math.log(after / before)) < math.log1p(MIN_CHANGE):
        return None
    p_value = _p_value(float(t_values[best]), len(segment) - 2) * len(splits)
    if p_value >= P_VALUE:
        return None
    return ChangePoint(start + split, tonight, before, after, p_value)


def _t_statistics(segment: NDArray[np.float64], splits: NDArray[np.int64]) -> NDArray[np.float64]:
    """Student's t, without sign, between the nights before and from each split."""
    count = len(segment)
    centred = segment - segment.mean()
    sums = centred.cumsum()[splits - 1]
    between = sums**2 * count / (splits * (count - splits))
    within = np.maximum((centred**2).sum() - between, 0.0)
    # Rounding leaves a residue where both sides are constant, as sizes are.
    residue = 1e-24 * (segment**2).sum()
    within = np.maximum(within, residue)
    statistics: NDArray[np.float64] = np.sqrt(between * (count - 2) / within)
    return statistics


def _p_value(t_value: float, degrees_of_freedom: int) -> float:
    from scipy import stats  # its import takes longer than everything else at a session's start

    return float(2 * stats.t.sf(t_value, degrees_of_freedom))
