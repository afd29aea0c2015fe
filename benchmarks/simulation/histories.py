"""Histories of 60 nights, each the median of five runs, judged night by night."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.simulation.noise import Array
from benchmarks.simulation.rate import Rate
from harness.measure.change_point import MIN_SEGMENT, ChangePoint, find_change_points

_NIGHTS = 60
_RUNS = 5
_CV = 0.02
_STEP = 0.03
_TOLERANCE_NIGHTS = 2


def history_rows(random: np.random.Generator, histories: int) -> Iterator[Rate]:
    """All rows about change points.

    Args:
        random: Where noise, the step's night and its direction come from.
        histories: Simulated per row.
    """
    level = np.ones((histories, _NIGHTS))
    alarms = sum(len(find_change_points(list(one))) for one in _medians(random, level))
    yield Rate(
        "history without a step: false alarms per night", alarms / level.size, "<=", 0.01, histories
    )
    steps = random.integers(MIN_SEGMENT, _NIGHTS - MIN_SEGMENT + 1, histories)
    signs = random.choice([-1, 1], histories)
    level += (np.arange(_NIGHTS) >= steps[:, None]) * (_STEP * signs)[:, None]
    found = [find_change_points(list(one)) for one in _medians(random, level)]
    hits = [any(map(_near(step), changes)) for changes, step in zip(found, steps, strict=True)]
    yield Rate("3 % step: found within 2 nights", sum(hits) / histories, ">=", 0.9, histories)
    surplus = sum(len(changes) for changes in found) - sum(hits)
    yield Rate(
        "3 % step: other changes told per night", surplus / level.size, "<=", 0.01, histories
    )


def _near(step: int) -> Callable[[ChangePoint], bool]:
    return lambda change: abs(change.index - step) <= _TOLERANCE_NIGHTS


def _medians(random: np.random.Generator, level: Array) -> Array:
    runs = level[..., None] * (1 + _CV * random.normal(size=(*level.shape, _RUNS)))
    medians: Array = np.median(runs, axis=-1)
    return medians
