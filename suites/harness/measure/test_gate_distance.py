"""How far from a gate runs must lie."""

from __future__ import annotations

import math

import pytest

from harness.measure.gate_distance import gate_distance, is_out_of_reach

STEADY = (9.0, 11.0, 10.0, 10.5, 9.5)


@pytest.mark.parametrize(
    ("count", "needed"), [(5, 7.0), (6, 7.0), (7, 4.5), (10, 4.5), (14, 0.7), (20, 0.7)]
)
def test_few_runs_need_more_distance(count: int, needed: float) -> None:
    assert gate_distance((STEADY * 4)[:count], [0.0]).needed == needed


def test_the_nearer_bound_counts() -> None:
    assert gate_distance(STEADY, [0.0, 20.0]).distance == gate_distance(STEADY, [0.0]).distance
    nearer = gate_distance(STEADY, [0.0, 11.0])
    assert nearer.distance == pytest.approx(1 / math.sqrt(0.625))
    assert not nearer.suffices
    assert nearer.doubt == "too close for so few runs (1.3 of 7 standard deviations away)"


@pytest.mark.parametrize("samples", [[5.0] * 5, [5.0] * 4 + [math.inf]])
def test_what_does_not_scatter_is_clear(samples: list[float]) -> None:
    assert gate_distance(samples, [5.0]).suffices


def rising(wobble: float) -> list[float]:
    return [run + wobble * (-1) ** run for run in range(20)]


@pytest.mark.parametrize(
    ("samples", "trend", "needed"),
    [
        (rising(0.0), "neighbouring runs resemble each other", 4.0),
        (rising(4.5), "runs drift in one direction", 1.2),
    ],
)
def test_runs_in_a_telling_order_need_more_distance(
    samples: list[float], trend: str, needed: float
) -> None:
    found = gate_distance(samples, [3.0])
    assert (found.trend, found.needed) == (trend, needed)


def test_far_from_the_gate_a_trend_changes_nothing() -> None:
    found = gate_distance(rising(0.0), [-100.0])
    assert found.suffices
    assert found.trend is None


WANDERING = [100.0 * 1.05**run for run in range(20)]
"""Neighbours resemble each other, and the last run is 2.5 times the first."""


def test_a_hundred_times_the_gate_is_clear_whatever_the_order_of_runs() -> None:
    assert gate_distance(WANDERING, [1.0]).suffices
    assert gate_distance(WANDERING, [1e4]).suffices
    assert not gate_distance(WANDERING, [60.0]).suffices


@pytest.mark.parametrize(("count", "spans"), [(5, 4), (9, 2), (20, 1)])
def test_the_nearest_run_lies_beyond_what_drift_could_still_add(count: int, spans: int) -> None:
    runs = WANDERING[:count]
    reach = (runs[-1] / runs[0]) ** spans
    assert is_out_of_reach(runs, [runs[0] / reach * 0.99])
    assert not is_out_of_reach(runs, [runs[0] / reach * 1.01])
    assert is_out_of_reach(runs, [runs[-1] * reach * 1.01])


def test_runs_on_both_sides_of_a_bound_are_never_out_of_reach() -> None:
    assert not is_out_of_reach([1.0, 1e6] * 10, [30.0])
    assert is_out_of_reach([10.0, 11.0] * 10, [1.0, 1000.0])
    assert not is_out_of_reach([10.0, 11.0] * 10, [1.0, 10.5])


def test_what_may_be_negative_is_measured_in_its_own_unit() -> None:
    assert is_out_of_reach([-1.0, 1.0] * 10, [3.1])
    assert not is_out_of_reach([-1.0, 1.0] * 10, [2.9])
