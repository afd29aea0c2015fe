"""Comparisons of 20 pairs in turns, on a device that may heat up meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.simulation.noise import NOISES, Array, Noise
from benchmarks.simulation.rate import Rate, worst
from harness.measure.comparison import Outcome, Pair, abba_order, compare_pairs
from harness.measure.sample import Sample
from harness.options.groups.judging import PAIRS

_DIFFERENT = (Outcome.FASTER, Outcome.SLOWER)
_CV = 0.03


def comparison_rows(random: np.random.Generator, comparisons: int) -> Iterator[Rate]:
    """All rows about two artifacts.

    Args:
        random: Where noise comes from.
        comparisons: Simulated per cell.
    """
    cells = {
        f"{name}, CV {cv:.0%}": _share(random, comparisons, noise, cv, 1.0, _DIFFERENT)
        for name, noise in NOISES.items()
        for cv in (0.01, 0.03, 0.08)
    }
    heating = _share(random, comparisons, NOISES["normal"], _CV, 1.0, _DIFFERENT, drift=-2.0)
    cells["normal, CV 3%, heating by 2 sigma"] = heating
    yield worst("A/A: called different", cells, 0.01, comparisons)
    for name, noise in NOISES.items():
        found = _share(random, comparisons, noise, _CV, 0.95, (Outcome.SLOWER,))
        yield Rate(f"A/B, 5 % slower, {name} noise, CV 3 %: found", found, ">=", 0.95, comparisons)
    same = _share(random, comparisons, NOISES["normal"], _CV, 1.0, (Outcome.SAME,))
    yield Rate("A/A, normal noise, CV 3 %: called the same", same, ">=", None, comparisons)


def _share(
    random: np.random.Generator,
    comparisons: int,
    noise: Noise,
    cv: float,
    ratio: float,
    outcomes: tuple[Outcome, ...],
    drift: float = 0.0,
) -> float:
    """Share of comparisons that end so; ``drift`` is in sigmas over the session."""
    is_b = np.array([turn == "B" for turn in abba_order(PAIRS)])
    scatter = noise(random, (comparisons, 2 * PAIRS), cv) + drift * np.linspace(0, 1, 2 * PAIRS)
    speeds = 100 * np.where(is_b, ratio, 1.0) * (1 + cv * scatter)
    ends = [compare_pairs(_pairs(session, is_b), "higher").outcome for session in speeds]
    return sum(end in outcomes for end in ends) / comparisons


def _pairs(speeds: Array, is_b: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[Pair]:
    return [
        Pair(Sample(float(a)), Sample(float(b)))
        for a, b in zip(speeds[~is_b], speeds[is_b], strict=True)
    ]
