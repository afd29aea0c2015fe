"""The way over a phone is held to its bound, and to pushing nothing twice."""

from __future__ import annotations

import pytest

from benchmarks.phone_overhead import Overhead


@pytest.mark.parametrize(
    ("phone_s", "bytes_sent_again", "is_good"),
    [
        ((4.0, 4.4, 9.0), 0, True),
        ((4.0, 4.6, 4.7), 0, False),
        ((3.0, 3.1, 3.2), 1, False),
    ],
)
def test_a_slow_median_or_a_second_push_fails(
    phone_s: tuple[float, ...], bytes_sent_again: int, is_good: bool
) -> None:
    overhead = Overhead((3.0, 3.0, 3.0), phone_s, bytes_sent_again)
    assert overhead.is_within_bounds is is_good
