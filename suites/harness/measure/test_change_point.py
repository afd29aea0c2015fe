"""Steps in a history of nightly medians."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.change_point import alerts, find_change_points

NOISE = (0.4, -0.7, 0.1, 0.9, -0.5, -0.2, 0.6, -0.9, 0.3, 0.0)


def level(tps: float, nights: int) -> list[float]:
    return [tps + noise for noise in itertools.islice(itertools.cycle(NOISE), nights)]


STEP_DOWN = level(100, 20) + level(96, 10)


def test_a_step_is_found_where_it_is() -> None:
    (change,) = find_change_points(STEP_DOWN)
    assert change.index == 20
    assert change.ratio == pytest.approx(0.96, abs=0.005)
    assert change.is_worse("higher")
    assert not change.is_worse("lower")


def test_a_step_is_told_by_the_fifth_night_past_it_and_never_again() -> None:
    told = [night for night in range(31) if alerts(STEP_DOWN[:night], "higher")]
    assert told == [25]


def test_an_improvement_is_found_and_raises_no_alarm() -> None:
    history = level(100, 20) + level(104, 5)
    assert len(find_change_points(history)) == 1
    assert alerts(history, "higher") == []
    assert len(alerts(history, "lower")) == 1


def test_every_step_of_a_history_is_found() -> None:
    history = level(100, 15) + level(95, 15) + level(100, 15)
    assert [change.index for change in find_change_points(history)] == [15, 30]


@pytest.mark.parametrize(
    "history",
    [
        [],
        level(100, 60),
        level(100, 20) + level(99, 20),
        [*level(100, 20), 60.0, *level(100, 20)],
        level(100, 20) + level(96, 4),
        [7.0] * 60,
    ],
    ids=["nothing", "noise", "one percent", "one odd night", "four nights", "constant"],
)
def test_no_step_is_invented(history: list[float]) -> None:
    assert find_change_points(history) == []


def test_a_step_between_values_without_scatter_is_found() -> None:
    assert [change.index for change in find_change_points([100.0] * 9 + [110.0] * 5)] == [9]


histories = st.lists(st.floats(50, 200), max_size=40)


@given(histories)
def test_what_was_said_of_a_night_never_changes_afterwards(history: list[float]) -> None:
    changes = find_change_points(history)
    for nights in range(len(history)):
        earlier = [change for change in changes if change.found_at < nights]
        assert find_change_points(history[:nights]) == earlier


@given(histories, st.floats(0.001, 1000))
def test_the_unit_does_not_matter(history: list[float], factor: float) -> None:
    scaled = find_change_points([value * factor for value in history])
    assert [(change.index, change.found_at) for change in scaled] == [
        (change.index, change.found_at) for change in find_change_points(history)
    ]


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_value_without_ratio_is_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="positive finite"):
        find_change_points([100.0, value])
