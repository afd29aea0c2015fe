"""Bounds on the median: known answers, and coverage whatever the distribution."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.statistics import (
    coefficient_of_variation,
    median_bounds,
    next_sample_count,
)


@pytest.mark.parametrize(
    ("count", "rank", "confidence"),
    [(5, 1, 0.969), (8, 2, 0.965), (10, 2, 0.989), (20, 6, 0.979)],
)
def test_the_bounds_are_the_order_statistics_of_the_tables(
    count: int, rank: int, confidence: float
) -> None:
    bounds = median_bounds([float(n) for n in range(count, 0, -1)])
    assert bounds is not None
    assert (bounds.lower, bounds.upper) == (rank, count + 1 - rank)
    assert bounds.confidence == pytest.approx(confidence, abs=5e-4)


@pytest.mark.parametrize("count", range(5))
def test_fewer_than_five_samples_bound_nothing(count: int) -> None:
    assert median_bounds([1.0] * count) is None


def test_more_confidence_needs_more_samples() -> None:
    assert median_bounds([1.0] * 6, confidence=0.99) is None
    assert median_bounds([1.0] * 7, confidence=0.99) is not None


samples = st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=60)


@given(samples)
def test_bounds_enclose_the_sample_median_and_are_samples(values: list[float]) -> None:
    bounds = median_bounds(values)
    assert bounds is not None
    assert bounds.lower <= np.median(values) <= bounds.upper
    assert {bounds.lower, bounds.upper} <= set(values)
    assert bounds.confidence >= 0.95


@given(samples, st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter(values: list[float], random: Random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    assert median_bounds(shuffled) == median_bounds(values)


@pytest.mark.parametrize("distribution", ["normal", "lognormal", "exponential"])
@pytest.mark.parametrize("count", [5, 8, 10, 20])
def test_each_bound_misses_the_true_median_in_at_most_5_percent(
    distribution: str, count: int
) -> None:
    random = np.random.default_rng(7)
    true_median = {"normal": 0.0, "lognormal": 1.0, "exponential": float(np.log(2))}[distribution]
    draws = getattr(random, distribution)(size=(4000, count))
    bounds = [median_bounds(list(row)) for row in draws]
    above = np.mean([b is not None and b.lower > true_median for b in bounds])
    below = np.mean([b is not None and b.upper < true_median for b in bounds])
    assert max(above, below) <= 0.05


def test_coefficient_of_variation_is_relative_to_the_mean() -> None:
    assert coefficient_of_variation([9.0, 10.0, 11.0]) == pytest.approx(0.1)
    assert coefficient_of_variation([-9.0, -10.0, -11.0]) == pytest.approx(0.1)


@pytest.mark.parametrize("values", [[], [3.0], [-1.0, 1.0], [math.inf, 1.0], [math.inf, -math.inf]])
def test_nothing_varies_relative_to_nothing(values: list[float]) -> None:
    assert coefficient_of_variation(values) is None


@pytest.mark.parametrize(
    ("have", "target"), [(0, 5), (4, 5), (5, 10), (9, 10), (10, 20), (20, None), (25, None)]
)
def test_runs_are_extended_from_5_to_10_to_20(have: int, target: int | None) -> None:
    assert next_sample_count(have) == target
