"""Whether the order of runs matters: exact distributions by enumeration."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.gate_distance import TrendTest, rank_ratio, trend_test

NO_TREND = TrendTest(1.0, 1.0)


def test_a_steady_rise_is_as_unlikely_as_two_of_all_orders() -> None:
    """Of 5! orders only the rise and the fall are as steady."""
    assert trend_test([1.0, 2.0, 3.0, 4.0, 5.0]).drift_p_value == pytest.approx(2 / 120)


def test_the_rank_ratio_of_a_steady_rise() -> None:
    """Squared steps 4, squared deviations 10."""
    assert rank_ratio([1, 2, 3, 4, 5]) == pytest.approx(0.4)


@pytest.mark.parametrize("quantile", [0.01, 0.05, 0.2, 0.5])
def test_wandering_has_the_exact_p_value_of_all_orders_of_eight_runs(quantile: float) -> None:
    orders = list(itertools.permutations(range(8)))
    ratios = sorted(rank_ratio(order) for order in orders)
    at = ratios[int(quantile * len(ratios))]
    order = min(orders, key=lambda one: abs(rank_ratio(one) - at))
    exact = np.mean([ratio <= rank_ratio(order) + 1e-9 for ratio in ratios])
    assert trend_test([float(rank) for rank in order]).wander_p_value == pytest.approx(
        exact, abs=0.012
    )


@pytest.mark.parametrize("p_value", [0.003, 0.05])
def test_independent_runs_are_suspected_no_more_often_than_the_p_value_says(
    p_value: float,
) -> None:
    sessions = np.random.default_rng(4).normal(size=(3000, 20)).tolist()
    tests = [trend_test(session) for session in sessions]
    allowed = p_value + 3 * (p_value / 3000) ** 0.5
    assert np.mean([test.wander_p_value < p_value for test in tests]) <= allowed
    assert np.mean([test.drift_p_value < p_value for test in tests]) <= allowed


def test_runs_that_come_and_go_wander_without_drifting() -> None:
    waves = [float(np.sin(2 * np.pi * run / 20)) for run in range(20)]
    found = trend_test(waves)
    assert found.wander_p_value < 1e-4
    assert trend_test(waves[::2][::-1] + waves[::2]).drift_p_value > 0.05


@pytest.mark.parametrize("samples", [[], [1.0, 2.0, 3.0, 4.0], [7.0] * 20])
def test_few_or_equal_runs_show_no_trend(samples: list[float]) -> None:
    assert trend_test(samples) == NO_TREND


values = st.lists(st.floats(-100, 100), min_size=5, max_size=20)


@given(values, st.randoms(use_true_random=False))
def test_p_values_are_probabilities_and_see_ranks_alone(
    samples: list[float], random: Random
) -> None:
    random.shuffle(samples)
    found = trend_test(samples)
    assert 0 <= found.drift_p_value <= 1
    assert 0 <= found.wander_p_value <= 1
    assert trend_test([value * 2 for value in samples]) == found
    backwards = trend_test(samples[::-1])
    assert backwards.wander_p_value == pytest.approx(found.wander_p_value)
    assert backwards.drift_p_value == pytest.approx(found.drift_p_value)
