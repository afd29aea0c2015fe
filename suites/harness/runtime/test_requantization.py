"""Codes of one encoding become the nearest codes of another, or upstream's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.runtime.cache_contents import requantize, requantize_as_upstream
from harness.runtime.encodings import Encoding

Codes = NDArray[Any]

ALL = {dtype: np.arange(np.iinfo(dtype).max + 1, dtype=dtype) for dtype in ("uint8", "uint16")}

dtypes = st.sampled_from(("uint8", "uint16"))


def encodings(dtype: str) -> st.SearchStrategy[Encoding]:
    return st.builds(Encoding, st.floats(1e-6, 10), st.integers(0, int(np.iinfo(dtype).max)))


def pairs(dtype: str) -> st.SearchStrategy[tuple[Encoding, Encoding]]:
    return st.tuples(encodings(dtype), encodings(dtype))


def real(codes: Codes, encoding: Encoding) -> NDArray[np.float64]:
    return (codes.astype(np.float64) - encoding.zero_point) * encoding.scale


@given(data=st.data(), dtype=dtypes)
def test_every_value_moves_by_half_a_step_at_most_or_to_the_end_of_the_range(
    data: st.DataObject, dtype: str
) -> None:
    source, target = data.draw(pairs(dtype))
    codes, top = ALL[dtype], int(np.iinfo(dtype).max)
    result = requantize(codes, source, target)
    assert result.dtype == dtype
    wanted = real(codes, source)
    low, high = real(np.asarray([0, top]), target)
    inside = (wanted >= low) & (wanted <= high)
    moved = np.abs(real(result, target) - wanted)
    assert np.all(moved[inside] <= target.scale * 0.5 * (1 + 1e-6))
    assert np.all(result[wanted < low] == 0)
    assert np.all(result[wanted > high] == top)


@given(data=st.data(), dtype=dtypes)
def test_order_is_kept(data: st.DataObject, dtype: str) -> None:
    result = requantize(ALL[dtype], *data.draw(pairs(dtype)))
    assert np.all(np.diff(result.astype(np.int64)) >= 0)


@given(data=st.data(), dtype=dtypes)
def test_the_zero_point_becomes_the_zero_point(data: st.DataObject, dtype: str) -> None:
    source, target = data.draw(pairs(dtype))
    zero = np.asarray([source.zero_point], dtype)
    for convert in (requantize, requantize_as_upstream):
        assert convert(zero, source, target) == target.zero_point


@given(data=st.data(), dtype=dtypes)
def test_there_and_back_into_a_coarser_encoding_is_where_it_was(
    data: st.DataObject, dtype: str
) -> None:
    coarse = data.draw(encodings(dtype))
    # A step four times as fine, over a range that the coarse codes near zero fit into.
    fine = Encoding(coarse.scale / 4, int(np.iinfo(dtype).max) // 2 + 1)
    near = coarse.zero_point + np.arange(-20, 21)
    codes = near[(near >= 0) & (near <= np.iinfo(dtype).max)].astype(dtype)
    there = requantize(codes, coarse, fine)
    np.testing.assert_array_equal(requantize(there, fine, coarse), codes)


@given(data=st.data(), dtype=dtypes)
def test_upstream_is_off_by_less_than_a_code_where_nothing_overflows(
    data: st.DataObject, dtype: str
) -> None:
    source, target = data.draw(pairs(dtype))
    codes, top = ALL[dtype], int(np.iinfo(dtype).max)
    exact = real(codes, source) / target.scale + target.zero_point
    inside = (exact >= 0) & (exact < top)
    result = requantize_as_upstream(codes, source, target).astype(np.float64)
    difference = (exact - result)[inside]
    assert np.all((difference > -1e-6) & (difference < 1 + 1e-6))


@pytest.mark.parametrize(
    ("code", "nearest", "upstream"),
    [
        (13, 5, 4),  # 4.8
        (0, 0, 240),  # -16
        (200, 255, 48),  # 304
    ],
)
def test_upstream_truncates_and_wraps_around(code: int, nearest: int, upstream: int) -> None:
    source, target = Encoding(1.6, 10), Encoding(1.0, 0)
    codes = np.asarray([code], "uint8")
    assert requantize(codes, source, target) == nearest
    assert requantize_as_upstream(codes, source, target) == upstream
