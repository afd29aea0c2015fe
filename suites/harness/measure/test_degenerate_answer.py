"""Which answers say nothing."""

from __future__ import annotations

import pytest

from harness.measure.degenerate_answer import degeneracy


@pytest.mark.parametrize(
    ("token_ids", "text", "why"),
    [
        ([], "", "the stop token comes first"),
        ([3], " \n", "it is empty"),
        ([0] * 129, "!" * 129, "it is token 0 again and again"),
        ([9] + [0] * 12, "x" * 13, "it is token 0 again and again"),
        ([4, 5] * 8, "ab" * 8, "it is tokens 4, 5 again and again"),
        ([7, 7, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 1], "x" * 15, "it is tokens 1, 2, 3, 4 again"),
    ],
)
def test_an_answer_that_says_nothing_is_told(token_ids: list[int], text: str, why: str) -> None:
    assert (degeneracy(token_ids, text) or "").startswith(why)


@pytest.mark.parametrize(
    "token_ids",
    [
        [5],
        [5, 5, 5, 5, 5, 5, 5],
        [1, 2, 3, 4, 5] * 5,
        [1, 2, 3, 9, 9, 9, 9, 9, 9, 9],
        [1, 1, 1, 1, 1, 1, 1, 1, 2],
    ],
)
def test_a_short_answer_or_a_sentence_said_twice_is_an_answer(token_ids: list[int]) -> None:
    assert degeneracy(token_ids, "x" * len(token_ids)) is None
