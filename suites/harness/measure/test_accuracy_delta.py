"""Answers lost against a reference, with what other scenes might have lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.accuracy_delta import ScoredPair, accuracy_delta, drop


def pairs(lost: int, gained: int, count: int, per_image: int = 1) -> list[ScoredPair]:
    """Images whose answers are all lost, all gained, or all as right as the reference's."""
    scores = [(1.0, 0.0)] * lost + [(0.0, 1.0)] * gained
    scores += [(1.0, 1.0)] * (count - len(scores))
    return [
        ScoredPair(f"image {n}", *both) for n, both in enumerate(scores) for _ in range(per_image)
    ]


@pytest.mark.parametrize(
    ("lost", "gained", "count", "upper"),
    [(0, 0, 24, 0.164), (0, 0, 160, 0.0286), (4, 0, 200, 0.05498), (12, 4, 200, 0.09066)],
)
def test_bounds_are_those_of_the_score_of_paired_shares(
    lost: int, gained: int, count: int, upper: float
) -> None:
    """Where none differs this is Wilson's bound: z^2 / (n + z^2), with a z of 2.17."""
    found = drop(pairs(lost, gained, count))
    assert found.upper == pytest.approx(upper, rel=2e-3)
    assert found.value == pytest.approx((lost - gained) / count)


def test_no_difference_on_a_few_images_leaves_room_for_one() -> None:
    found = drop(pairs(0, 0, 24))
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < -0.1
    assert found.upper > 0.1
    assert found.told == "0 lost and 0 gained of 24 answers"


def test_what_is_lost_here_is_gained_the_other_way() -> None:
    """But for the correction for continuity, which the lower bound alone has."""
    lost, gained = drop(pairs(30, 10, 1000)), drop(pairs(10, 30, 1000))
    assert lost.value == -gained.value
    assert lost.lower is not None
    assert gained.upper is not None
    assert lost.lower < -gained.upper < lost.value


def test_questions_about_one_image_are_no_independent_evidence() -> None:
    single, fourfold = drop(pairs(10, 2, 100)), drop(pairs(10, 2, 100, per_image=4))
    assert fourfold.count_of == 400
    assert (fourfold.lower, fourfold.upper) == pytest.approx((single.lower, single.upper))


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60))
def test_bounds_lie_around_the_drop(lost: int, gained: int, alike: int) -> None:
    count = lost + gained + alike
    if not count:
        return
    found = drop(pairs(lost, gained, count))
    assert found.lower is not None
    assert found.upper is not None
    assert -1 <= found.lower <= found.value <= found.upper <= 1


def test_a_drop_needs_answers() -> None:
    with pytest.raises(ValueError, match="no answers"):
        drop([])


def test_a_delta_is_the_drop_seen_from_the_other_side() -> None:
    delta, lost = accuracy_delta(pairs(4, 0, 200, per_image=2)), drop(pairs(4, 0, 200, per_image=2))
    assert delta is not None
    assert (delta.mean, delta.lower, delta.upper) == (
        -lost.value,
        -(lost.upper or 0),
        -(lost.lower or 0),
    )
    assert (delta.images, delta.questions) == (200, 400)
    assert accuracy_delta([]) is None
