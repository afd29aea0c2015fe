"""Accuracy beside a reference, images resampled whole."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.accuracy_delta import (
    ScoredPair,
    accuracy_delta,
    length_ratio,
)


def one_question_each(deltas: list[float]) -> list[ScoredPair]:
    return [ScoredPair(f"image {n}", 1.0, 1.0 + delta) for n, delta in enumerate(deltas)]


def test_equal_scores_have_no_delta() -> None:
    delta = accuracy_delta(one_question_each([0.0] * 20))
    assert delta is not None
    assert (delta.mean, delta.lower, delta.upper) == (0.0, 0.0, 0.0)


def test_the_bounds_are_binomial_quantiles_where_scores_are_right_or_wrong() -> None:
    """Of 400 answers 40 became wrong; resampled, that is B(400, 0.1): 5 % at 30, 95 % at 50."""
    delta = accuracy_delta(one_question_each([-1.0] * 40 + [0.0] * 360))
    assert delta is not None
    assert delta.mean == pytest.approx(-0.1)
    assert delta.lower == pytest.approx(-50 / 400, abs=1.5 / 400)
    assert delta.upper == pytest.approx(-30 / 400, abs=1.5 / 400)


def test_questions_about_one_image_are_no_independent_evidence() -> None:
    """Four like-minded questions per image quarter the sample: the interval is twice as wide."""
    deltas = [-1.0] * 10 + [0.0] * 90
    single = accuracy_delta(one_question_each(deltas))
    fourfold = accuracy_delta(one_question_each(deltas) * 4)
    scattered = accuracy_delta(one_question_each(deltas * 4))
    assert single is not None
    assert fourfold is not None
    assert scattered is not None
    assert fourfold.questions == scattered.questions == 400
    assert fourfold.lower == single.lower
    widths = [found.mean - found.lower for found in (fourfold, scattered)]
    assert widths[0] / widths[1] == pytest.approx(2.0, abs=0.15)


def test_a_few_images_bound_nothing() -> None:
    assert accuracy_delta(one_question_each([0.0] * 9) * 5) is None


def test_the_bound_repeats() -> None:
    pairs = one_question_each([math.sin(n) / 2 for n in range(50)])
    assert accuracy_delta(pairs) == accuracy_delta(pairs)


@given(st.lists(st.floats(-1, 0), min_size=10, max_size=30))
def test_the_bounds_are_around_the_mean_and_within_what_was_seen(deltas: list[float]) -> None:
    delta = accuracy_delta(one_question_each(deltas))
    assert delta is not None
    assert min(deltas) - 1e-9 <= delta.lower <= delta.mean + 1e-9
    assert delta.mean - 1e-9 <= delta.upper <= max(deltas) + 1e-9


def test_lengths_are_held_against_the_reference_in_their_mean() -> None:
    assert length_ratio([50, 130], [100, 100]) == 0.9


@pytest.mark.parametrize(("generated", "reference"), [([], []), ([1], [1, 2]), ([1], [0])])
def test_lengths_without_partners_are_an_error(generated: list[int], reference: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be held against"):
        length_ratio(generated, reference)
