"""How like each other two stages' tensors are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.likeness import likeness, logit_likeness

SEEDS = st.integers(0, 2**32 - 1)


def rows(seed: int, count: int = 40, channels: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, channels)).astype(np.float32)


def test_what_is_equal_is_infinitely_like() -> None:
    found = likeness(rows(0), rows(0))
    assert (found.sqnr_db, found.worst_channel_db) == (math.inf, math.inf)
    assert found.cosine == pytest.approx(1.0)
    assert found.largest_error == 0


def test_one_wrong_channel_is_lost_in_the_whole_and_not_in_itself() -> None:
    before = rows(0, channels=1000)
    behind = before.copy()
    behind[:, 7] *= -1
    found = likeness(before, behind)
    assert found.sqnr_db > 20
    assert found.worst_channel_db == pytest.approx(-6.02, abs=0.01)


def test_a_silent_channel_is_no_worse_for_a_little_noise() -> None:
    before = rows(0)
    before[:, 2] = 0
    behind = before.copy()
    behind[:, 2] += 1e-6
    assert likeness(before, behind).worst_channel_db > 60


def test_where_nothing_is_said_and_nothing_heard_nothing_is_wrong() -> None:
    nothing = np.zeros((4, 3))
    assert likeness(nothing, nothing).worst_channel_db == math.inf


@given(SEEDS, st.floats(1e-4, 0.3))
def test_the_worst_channel_is_no_better_than_the_whole(seed: int, noise: float) -> None:
    before = rows(seed)
    found = likeness(before, before + noise * rows(seed + 1))
    assert found.worst_channel_db <= found.sqnr_db + 1e-9


@given(SEEDS, st.floats(0.01, 100))
def test_scale_changes_nothing(seed: int, scale: float) -> None:
    before, behind = rows(seed), rows(seed) + 0.1 * rows(seed + 1)
    one, other = likeness(before, behind), likeness(scale * before, scale * behind)
    assert other.sqnr_db == pytest.approx(one.sqnr_db, abs=1e-3)
    assert other.largest_error == pytest.approx(one.largest_error, rel=1e-3)


def test_numbers_that_are_none_are_like_nothing() -> None:
    broken = rows(0)
    broken[0, 0] = np.nan
    assert not likeness(rows(0), broken).sqnr_db >= 0


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot compare"):
        likeness(rows(0), rows(0, count=41))


def test_equal_logits_choose_alike() -> None:
    found = logit_likeness(list(rows(0)), list(rows(0)))
    assert (found.top1, found.top5) == (1.0, 1.0)
    assert found.kl_nats == (0.0,) * 40


def test_a_best_token_that_is_second_is_among_five() -> None:
    before = [np.array([3.0, 2.0, 1.0, 0.0, -1.0, -2.0])]
    found = logit_likeness(before, [np.array([2.0, 3.0, 1.0, 0.0, -1.0, -2.0])])
    assert (found.top1, found.top5) == (0.0, 1.0)
    last = logit_likeness(before, [np.array([-9.0, 2.0, 1.0, 0.0, -1.0, -2.0])])
    assert (last.top1, last.top5) == (0.0, 0.0)


@given(SEEDS)
def test_divergence_is_never_negative_and_ignores_a_common_shift(seed: int) -> None:
    before, behind = list(rows(seed)), list(rows(seed + 1))
    found = logit_likeness(before, behind)
    assert min(found.kl_nats) >= 0
    shifted = logit_likeness(before, [row + 5 for row in behind])
    assert shifted.kl_nats == pytest.approx(found.kl_nats, abs=1e-4)


def test_logits_that_are_no_numbers_choose_nothing_alike() -> None:
    found = logit_likeness(list(rows(0)), [np.full(6, np.nan)] * 40)
    assert (found.top1, found.top5) == (0.0, 0.0)
    assert min(found.kl_nats) == math.inf


def test_no_steps_are_no_likeness() -> None:
    with pytest.raises(ValueError, match="0 steps"):
        logit_likeness([], [])
