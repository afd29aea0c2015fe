"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from harness.measure.wording import end_in_words, number


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (812.345, "812.3"),
        (110_000_001.0, "110,000,001"),
        (12_345.6, "12,346"),
        (0.0, "0"),
        (1e15, "1e+15"),
        (-1e300, "-1e+300"),
        (math.inf, "inf"),
    ],
)
def test_whole_numbers_keep_their_digits_while_a_person_can_read_them(
    value: float, told: str
) -> None:
    assert number(value) == told


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [
        (2, "ended with exit code 2"),
        (-11, "ended with exit code -11 (Segmentation fault)"),
        (137, "ended with exit code 137 (Killed)"),
        (-1, "ended with exit code -1"),
        (-900, "ended with exit code -900"),
    ],
)
def test_the_signal_that_ended_a_process_is_named(exit_code: int, words: str) -> None:
    assert end_in_words(exit_code) == words
