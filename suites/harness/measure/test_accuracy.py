"""Accuracy metrics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.accuracy import (
    counts_as_difference,
    exact_match,
    first_difference,
    golden_hit,
    sqnr_db,
    token_agreement,
)

ids = st.lists(st.integers(0, 5), max_size=12)


def test_exact_match_is_the_share_of_equal_answers() -> None:
    assert exact_match(["red", "2", "left"], ["red", "3", "left"]) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("answers", "expected"), [([], []), (["a"], ["a", "b"])])
def test_answers_without_partners_are_an_error(answers: list[str], expected: list[str]) -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        exact_match(answers, expected)


def test_token_agreement_counts_a_missing_tail_as_disagreement() -> None:
    assert token_agreement([[1, 2, 3, 4]], [[1, 2]]) == 0.5
    assert token_agreement([[1, 9, 3]], [[1, 2, 3]]) == pytest.approx(2 / 3)


def test_token_agreement_weighs_samples_equally() -> None:
    assert token_agreement([[1], [0, 0, 0]], [[1], [1, 1, 1]]) == 0.5


@given(ids, ids)
def test_agreement_is_whole_exactly_where_nothing_differs(a: list[int], b: list[int]) -> None:
    assert (token_agreement([a], [b]) == 1.0) == (first_difference(a, b) is None) == (a == b)


@given(ids, ids)
def test_the_first_difference_is_after_a_common_start(a: list[int], b: list[int]) -> None:
    position = first_difference(a, b)
    if position is not None:
        assert a[:position] == b[:position]
        assert a[: position + 1] != b[: position + 1]


@pytest.mark.parametrize(("gap", "counts"), [(0.0, False), (1e-3, False), (1.1e-3, True)])
def test_a_tie_broken_the_other_way_is_no_difference(gap: float, counts: bool) -> None:
    assert counts_as_difference(gap) is counts


@pytest.mark.parametrize(
    ("answer", "features", "hit"),
    [
        ("Two CATS lie on a couch.", ("cats", "couch"), True),
        ("Two cats lie on a couch.", ("cats", "dog"), False),
        ("The image shows electricity.", ("city",), False),
        ("a red\n circle", ("red circle",), True),
        ("It is a C++ program", ("C++",), True),
        ("The digit is 17", ("7",), False),
    ],
)
def test_features_are_whole_words_in_upper_or_lower_case(
    answer: str, features: tuple[str, ...], hit: bool
) -> None:
    assert golden_hit(answer, features) is hit


@pytest.mark.parametrize("features", [(), (" ",)])
def test_requiring_nothing_is_an_error(features: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="required feature"):
        golden_hit("anything", features)


def test_sqnr_of_a_tenth_of_noise_is_20_db() -> None:
    signal = np.array([[1.0, -1.0], [1.0, -1.0]])
    assert sqnr_db(signal, signal * 1.1) == pytest.approx(20.0)


def test_sqnr_at_its_limits() -> None:
    assert sqnr_db([1.0, 2.0], [1.0, 2.0]) == math.inf
    assert sqnr_db([0.0, 0.0], [1.0, 2.0]) == -math.inf


@pytest.mark.parametrize(("a", "b"), [([1.0], [1.0, 2.0]), ([], [])])
def test_sqnr_needs_equal_shapes_with_values(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="cannot compare shapes"):
        sqnr_db(a, b)
