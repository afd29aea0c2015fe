"""What no living model returns is refused at the first tensor that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.errors import UserError
from harness.runtime.tensor_check import check_embeddings, check_finite, check_logits

STEP = "decode step 3"


def rows(*broken: tuple[int, int, float]) -> NDArray[np.float32]:
    """Numbers of different sizes, with others put among them."""
    made = np.arange(12, dtype=np.float32).reshape(3, 4)
    for row, column, value in broken:
        made[row, column] = value
    return made


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_tensor_its_place_and_the_step_are_named(value: float) -> None:
    broken = rows((1, 2, value), (2, 0, value))
    with pytest.raises(UserError) as refusal:
        check_finite(broken, "vision encoder", "features", "picture 1 of the turn")
    assert str(refusal.value).startswith(
        "The vision encoder returned features with 2 of 12 values that are no finite number, at "
        f"picture 1 of the turn (the first, {value}, in row 1, column 2); "
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_row_of_the_head_is_enough(dtype: type, value: float) -> None:
    """Greedy decoding would take the NaN for the best token."""
    with pytest.raises(UserError, match=r"text decoder returned logits with 1 of 4 .*step 3"):
        check_logits(rows((0, 3, value))[0].astype(dtype), STEP)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.uint16])
@pytest.mark.parametrize("value", [0, 200])
def test_logits_that_are_all_the_same_choose_nothing(dtype: type, value: int) -> None:
    with pytest.raises(UserError, match=f"same logit, {value}.* for all 512 tokens at {STEP}"):
        check_logits(np.full(512, value, dtype), STEP)


def test_codes_that_are_all_at_an_end_choose_nothing() -> None:
    codes = np.array([0, 65535, 65535, 0], np.uint16)
    with pytest.raises(UserError, match=f"4 codes are all 0 or 65535 at {STEP}"):
        check_logits(codes, STEP)


@pytest.mark.parametrize(
    "row", [np.array([0, 65535, 3, 0], np.uint16), np.array([65535, 3], np.uint16), rows()[0]]
)
def test_logits_that_differ_choose(row: NDArray[Any]) -> None:
    check_logits(row, STEP)


def test_an_embedding_of_zeros_is_refused() -> None:
    with pytest.raises(UserError, match="one and the same row for 3 different tokens of the text"):
        check_embeddings(np.zeros((4, 8), np.float32), [1, 2, 3, 1], "the text")


@pytest.mark.parametrize("token_ids", [[1], [1, 1, 1, 1], [1, 2, 1, 2]])
def test_few_tokens_may_share_a_row(token_ids: list[int]) -> None:
    check_embeddings(np.zeros((len(token_ids), 8), np.float32), token_ids, "the text")
