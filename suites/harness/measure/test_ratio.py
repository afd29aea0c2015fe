"""Quotients of sums, with what they may be on other scenes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.measure.estimate import CONFIDENCE
from harness.measure.ratio import MIN_SCENES, Part, ratio


def parts(above: list[float], below: float = 10.0, per_scene: int = 1) -> list[Part]:
    return [Part(f"scene {n}", one, below) for n, one in enumerate(above) for _ in range(per_scene)]


def test_lengths_are_held_against_the_reference_in_their_mean() -> None:
    assert ratio([Part("a", 50, 100), Part("b", 130, 100)], "answer").value == 0.9


def test_equal_parts_leave_nothing_open() -> None:
    found = ratio(parts([10.0] * MIN_SCENES), "answer")
    assert (found.lower, found.value, found.upper) == (1.0, 1.0, 1.0)
    assert (found.interval, found.count, found.told) == ("ratio", None, "25 answers")


def test_a_few_scenes_bound_nothing() -> None:
    found = ratio(parts([10.0] * (MIN_SCENES - 1), per_scene=5), "answer")
    assert (found.lower, found.upper) == (None, None)


def test_answers_about_one_scene_are_no_independent_evidence() -> None:
    """Four like-minded answers per scene quarter the sample: the interval is twice as wide."""
    lengths = [12.0] * 10 + [10.0] * 90
    single, fourfold = ratio(parts(lengths), "a"), ratio(parts(lengths, per_scene=4), "a")
    scattered = ratio(parts(lengths * 4), "a")
    assert (fourfold.lower, fourfold.upper) == pytest.approx((single.lower, single.upper))
    assert fourfold.lower is not None
    assert scattered.lower is not None
    widths = [found.value - (found.lower or 0) for found in (fourfold, scattered)]
    assert widths[0] / widths[1] == pytest.approx(2.0, abs=0.2)


@given(st.lists(st.floats(1, 20), min_size=MIN_SCENES, max_size=30))
def test_bounds_of_a_ratio_to_equal_parts_are_those_of_a_mean(lengths: list[float]) -> None:
    found = ratio(parts(lengths), "answer")
    reach = stats.t.ppf(CONFIDENCE, len(lengths) - 1) * stats.sem(lengths) / 10
    assert found.lower == pytest.approx(found.value - reach)
    assert found.upper == pytest.approx(found.value + reach)


@pytest.mark.parametrize("nothing", [[], [Part("a", 1, 0)]])
def test_a_ratio_to_nothing_is_an_error(nothing: list[Part]) -> None:
    with pytest.raises(ValueError, match="no ratio"):
        ratio(nothing, "answer")
