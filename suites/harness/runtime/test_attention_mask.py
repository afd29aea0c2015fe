"""The mask lets a token see what came before it and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runtime.attention_mask import AttentionMask


@pytest.mark.parametrize(
    ("dtype", "attend", "masked"),
    [("uint16", 65535, 0), ("uint8", 255, 0), ("float32", 0.0, -65535.0)],
)
def test_codes_are_those_of_the_contract(dtype: str, attend: float, masked: float) -> None:
    mask = AttentionMask(ar=2, context_length=5, dtype=dtype)
    mask.begin(n_past=1)
    assert mask.array.dtype == dtype
    expected = [[attend, masked, masked, attend, masked], [attend, masked, masked, attend, attend]]
    np.testing.assert_array_equal(mask.array, [[expected]])


def test_the_older_mask_lacks_a_dimension_and_nothing_else() -> None:
    old, new = AttentionMask(2, 6, "uint8", rank=3), AttentionMask(2, 6, "uint8", rank=4)
    for mask in (old, new):
        mask.begin(n_past=1)
        mask.open(1, 2)
    assert old.array.shape == (1, 2, 6)
    np.testing.assert_array_equal(old.array[None], new.array)


def test_the_contracts_example_without_a_past() -> None:
    mask = AttentionMask(ar=4, context_length=6, dtype="uint16")
    mask.begin(n_past=0)
    seen = [np.flatnonzero(row).tolist() for row in mask.array[0, 0]]
    assert seen == [[2], [2, 3], [2, 3, 4], [2, 3, 4, 5]]


@given(ar=st.integers(1, 6), slots=st.integers(0, 20), data=st.data())
def test_opening_filled_slots_equals_beginning_behind_them(
    ar: int, slots: int, data: st.DataObject
) -> None:
    n_past = data.draw(st.integers(0, slots))
    count = data.draw(st.integers(0, slots - n_past))
    stepped, fresh = (AttentionMask(ar, slots + ar, "float32") for _ in range(2))
    stepped.begin(slots)
    stepped.begin(n_past)
    stepped.open(n_past, count)
    fresh.begin(n_past + count)
    np.testing.assert_array_equal(stepped.array, fresh.array)
