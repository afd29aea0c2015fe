"""Perplexity over that of the float model, with bounds for other text."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.perplexity import STRETCH, TokenLosses, perplexity, perplexity_ratio

losses = st.floats(0, 20)


def text(tokens: int, worse: float, seed: int = 0) -> TokenLosses:
    """A text that is hard in places, each token a little harder for the measured model."""
    source = random.Random(seed)
    reference = [source.expovariate(0.5) for _ in range(tokens)]
    return TokenLosses(
        tuple(reference), tuple(loss + worse + source.gauss(0, 0.3) for loss in reference)
    )


def test_a_model_that_knows_nothing_has_its_vocabulary_for_perplexity() -> None:
    assert perplexity([math.log(49280)] * 7) == pytest.approx(49280)


@given(st.lists(st.lists(losses, min_size=1, max_size=40), min_size=1, max_size=4))
def test_the_float_model_has_a_ratio_of_1(windows: list[list[float]]) -> None:
    found = perplexity_ratio([TokenLosses(tuple(one), tuple(one)) for one in windows])
    assert found.value == 1
    assert found.count_of == sum(map(len, windows))
    assert found.lower in (None, 1)


def test_every_token_has_one_weight_whatever_its_window() -> None:
    windows = [TokenLosses((1.0,), (3.0,)), TokenLosses((1.0,) * 3, (1.0,) * 3)]
    assert perplexity_ratio(windows).value == pytest.approx(math.exp(2 / 4))


def test_bounds_hold_the_truth_and_are_far_narrower_than_the_text_is_varied() -> None:
    held = 0
    for seed in range(40):
        found = perplexity_ratio([text(2048, worse=0.1, seed=seed)])
        assert found.lower is not None
        assert found.upper is not None
        held += found.lower <= math.exp(0.1) <= found.upper
        assert found.upper - found.lower < 0.1
    assert held >= 36


def test_bounds_are_the_same_at_every_call() -> None:
    windows = [text(1024, worse=0.2)]
    assert perplexity_ratio(windows) == perplexity_ratio(windows)


@pytest.mark.parametrize(("stretches", "bounded"), [(24, False), (25, True)])
def test_a_short_text_has_no_bounds(stretches: int, bounded: bool) -> None:
    found = perplexity_ratio([text(stretches * STRETCH, worse=0.1)])
    assert (found.lower is not None) == bounded


def test_no_text_has_no_perplexity() -> None:
    with pytest.raises(ValueError, match="no tokens"):
        perplexity_ratio([])
