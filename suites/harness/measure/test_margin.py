"""The two best tokens of a row of logits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.margin import Margin, margin_of


@given(st.lists(st.integers(0, 65535), min_size=2, max_size=20))
def test_the_gap_is_in_codes_of_the_logits_and_never_wraps(codes: list[int]) -> None:
    first, second, *_ = sorted(codes, reverse=True)
    assert margin_of(np.array(codes, np.uint16)).gap == first - second


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_the_best_is_the_first_of_the_largest_and_the_other_is_another_one(
    codes: list[int],
) -> None:
    """Few values, so that any number of tokens tie."""
    margin = margin_of(np.array(codes, np.uint8))
    assert margin.best_id == codes.index(max(codes))
    assert margin.runner_up_id != margin.best_id
    assert codes[margin.best_id] - codes[margin.runner_up_id] == margin.gap


@pytest.mark.parametrize(
    ("one", "other", "between"), [(4, 7, True), (7, 4, True), (4, 5, False), (4, 4, False)]
)
def test_a_margin_is_between_its_two_tokens(one: int, other: int, between: bool) -> None:
    assert Margin(0.5, best_id=7, runner_up_id=4).is_between(one, other) is between
