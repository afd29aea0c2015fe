"""Shares with what they may be on other scenes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.measure.estimate import CONFIDENCE, effective_count, scene_looks
from harness.measure.share import Scored, counted_whole, share, share_of_events


def scored(hits: int, misses: int, per_scene: int = 1) -> list[Scored]:
    """Scenes whose questions are all right or all wrong."""
    scores = [1.0] * hits + [0.0] * misses
    return [Scored(f"scene {n}", score) for n, score in enumerate(scores) for _ in range(per_scene)]


@pytest.mark.parametrize(("hits", "count"), [(0, 24), (24, 24), (38, 40), (196, 200), (485, 500)])
def test_bounds_of_a_share_are_those_of_the_exact_binomial_test(hits: int, count: int) -> None:
    found = share(scored(hits, count - hits), "answer")
    known = stats.binomtest(hits, count).proportion_ci(2 * CONFIDENCE - 1, method="exact")
    assert (found.lower, found.upper) == pytest.approx((known.low, known.high))
    assert (found.value, found.count, found.count_of) == (hits / count, hits, count)


def test_the_count_is_told() -> None:
    assert share(scored(38, 2), "answer").told == "38 of 40 answers"
    assert share([Scored("a", 0.5), Scored("b", 1.0)], "answer").told == "1.5 of 2 answers"
    assert share_of_events(1, 234, "token").told == "1 of 234 tokens"


def test_questions_about_one_scene_that_agree_are_no_further_evidence() -> None:
    single, fourfold = share(scored(36, 4), "answer"), share(scored(36, 4, 4), "answer")
    assert fourfold.count_of == 160
    assert (fourfold.lower, fourfold.upper) == pytest.approx((single.lower, single.upper))


def test_scenes_of_unequal_size_count_for_less_than_their_number() -> None:
    assert effective_count(["a", "b", "c", "d"]) == 4
    assert effective_count(["a"] * 9 + ["b"]) == pytest.approx(100 / 82)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_bounds_lie_around_the_value_and_within_what_a_share_can_be(scores: list[float]) -> None:
    found = share([Scored(str(n), score) for n, score in enumerate(scores)], "answer")
    assert found.lower is not None
    assert found.upper is not None
    assert 0 <= found.lower <= found.value + 1e-9
    assert found.value - 1e-9 <= found.upper <= 1


def test_a_set_that_stands_for_no_other_is_what_it_is() -> None:
    found = counted_whole(share(scored(3, 1), "answer"))
    assert (found.lower, found.value, found.upper) == (0.75, 0.75, 0.75)
    assert (found.interval, found.count, found.count_of) == ("exact", 3, 4)


def test_a_share_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no units"):
        share([], "answer")
    with pytest.raises(ValueError, match="no units"):
        share_of_events(0, 0, "token")


@pytest.mark.parametrize(
    ("first", "looks"),
    [
        (24, (24, 160, 500)),
        (160, (160, 500, 1000)),
        (200, (200, 500, 1000)),
        (500, (500, 1000)),
        (2000, (2000,)),
    ],
)
def test_scenes_are_added_until_there_are_enough_for_most_gates(
    first: int, looks: tuple[int, ...]
) -> None:
    """Three looks at most: each is another chance to err."""
    assert scene_looks(first) == looks


@pytest.mark.parametrize(
    ("first", "most", "looks"),
    [
        (200, 200, (200,)),
        (200, 300, (200, 300)),
        (24, 300, (24, 160, 300)),
        (200, 800, (200, 500, 800)),
        (24, 12, (24,)),
        (2000, 1000, (2000,)),
    ],
)
def test_no_more_scenes_are_added_than_somebody_has_time_for(
    first: int, most: int, looks: tuple[int, ...]
) -> None:
    assert scene_looks(first, most) == looks
