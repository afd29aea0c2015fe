"""The cache holds what was committed, in every layout, whatever happened in between."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.runtime.cache_contents import UpstreamSlots, requantize, requantize_as_upstream
from harness.runtime.encodings import CacheEncodings, Encoding
from harness.runtime.kv_cache import KvCache

LAYERS, KV_HEADS, HEAD_DIM, CONTEXT = 2, 2, 3, 12
ARS = (1, 2, 4, 5)
DTYPES = ("float32", "uint16", "uint8")

Columns = NDArray[Any]


def encodings(*scales: float, zero_point: int) -> CacheEncodings:
    """K of both layers, then V of both; zero points count up from the first tensor's."""
    each = [Encoding(scale, zero_point + index) for index, scale in enumerate(scales)]
    return CacheEncodings(keys=tuple(each[:LAYERS]), values=tuple(each[LAYERS:]))


def make_cache(dtype: str = "float32", kv: CacheEncodings | None = None) -> KvCache:
    return KvCache(LAYERS, KV_HEADS, HEAD_DIM, CONTEXT - min(ARS), dtype, kv)


def new_columns(rng: np.random.Generator, ar: int, dtype: str) -> list[Columns]:
    """Outputs of a decoder method: all K ``[1, H, d, AR]``, then all V ``[1, H, AR, d]``."""
    keys = [rng.integers(0, 255, (1, KV_HEADS, HEAD_DIM, ar)) for _ in range(LAYERS)]
    values = [rng.integers(0, 255, (1, KV_HEADS, ar, HEAD_DIM)) for _ in range(LAYERS)]
    return [columns.astype(dtype) for columns in keys + values]


def expected_views(
    history: list[list[Columns]], slots: int, dtype: str, empties: tuple[int, ...]
) -> list[Columns]:
    """The naive cache: every committed column put next to the one before, the rest empty."""
    views = []
    for tensor in range(2 * LAYERS):
        axis = 3 if tensor < LAYERS else 2
        shape = (
            [1, KV_HEADS, HEAD_DIM, slots] if tensor < LAYERS else [1, KV_HEADS, slots, HEAD_DIM]
        )
        view = np.full(shape, empties[tensor], dtype)
        for position, column in enumerate(history):
            index: list[Any] = [slice(None)] * 4
            index[axis] = slice(position, position + 1)
            view[tuple(index)] = column[tensor]
        views.append(view)
    return views


def split_columns(new: list[Columns], count: int) -> list[list[Columns]]:
    return [
        [t[..., i : i + 1] if n < LAYERS else t[:, :, i : i + 1] for n, t in enumerate(new)]
        for i in range(count)
    ]


@given(
    dtype=st.sampled_from(DTYPES),
    zero_point=st.sampled_from((0, 7)),
    steps=st.lists(st.tuples(st.sampled_from(ARS), st.integers(0, 5), st.booleans()), max_size=12),
    seed=st.integers(0, 1000),
)
def test_any_sequence_of_passes_equals_a_naive_cache(
    dtype: str, zero_point: int, steps: list[tuple[int, int, bool]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    kv = encodings(1, 1, 1, 1, zero_point=zero_point)
    empties = tuple(encoding.zero_point for encoding in kv.in_input_order)
    cache = make_cache(dtype, kv)
    views = {ar: cache.views(CONTEXT - ar) for ar in ARS}
    history: list[list[Columns]] = []
    for ar, count, forget in steps:
        if forget:
            cache.reset()
            history = []
        slots = CONTEXT - ar
        count = min(count, ar, slots - len(history))
        if count < 0:
            continue
        cache.arrange(slots)
        new = new_columns(rng, ar, dtype)
        cache.commit(new, count)
        history += split_columns(new, count)
        assert cache.filled == len(history)
        assert cache.slots == slots
        for view, expected in zip(
            views[ar], expected_views(history, slots, dtype, empties), strict=True
        ):
            assert view.dtype == dtype
            np.testing.assert_array_equal(view, expected)


def test_views_of_all_layouts_share_one_contiguous_memory() -> None:
    cache = make_cache()
    for small, large in zip(cache.views(CONTEXT - 4), cache.views(CONTEXT - 1), strict=True):
        assert small.flags.c_contiguous
        assert large.flags.c_contiguous
        assert np.shares_memory(small, large)


def test_a_cache_that_is_full_takes_no_more() -> None:
    cache = make_cache()
    cache.arrange(CONTEXT - 4)
    rng = np.random.default_rng(0)
    for _ in range(2):
        cache.commit(new_columns(rng, 4, "float32"), 4)
    with pytest.raises(ValueError, match="position 8 needs a slot, there are 8"):
        cache.commit(new_columns(rng, 4, "float32"), 1)


def test_a_layout_that_would_lose_positions_is_refused() -> None:
    cache = make_cache()
    cache.commit(new_columns(np.random.default_rng(0), 5, "float32"), 5)
    for _ in range(4):
        cache.commit(new_columns(np.random.default_rng(0), 1, "float32"), 1)
    with pytest.raises(ValueError, match="9 filled slots do not fit into 8"):
        cache.arrange(CONTEXT - 4)


PREFILL = encodings(0.5, 0.25, 1.0, 2.0, zero_point=100)
DECODE = encodings(0.4, 0.5, 0.75, 2.0, zero_point=90)


@given(
    dtype=st.sampled_from(("uint8", "uint16")),
    turns=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=3),
    seed=st.integers(0, 1000),
)
def test_each_method_finds_the_cache_in_its_own_encodings_in_every_turn(
    dtype: str, turns: list[tuple[int, int]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cache = make_cache(dtype, PREFILL)
    history: list[list[Columns]] = []
    held = PREFILL
    for prompt, steps in turns:
        for ar, kv, counts in ((4, PREFILL, [prompt]), (1, DECODE, [1] * steps)):
            slots = CONTEXT - ar
            if len(history) + sum(counts) > slots:
                return
            cache.arrange(slots, kv)
            pairs = list(zip(held.in_input_order, kv.in_input_order, strict=True))
            history = [
                [requantize(column, *pair) for column, pair in zip(columns, pairs, strict=True)]
                for columns in history
            ]
            held = kv
            for count in counts:
                new = new_columns(rng, ar, dtype)
                cache.commit(new, count)
                history += split_columns(new, count)
            empties = tuple(encoding.zero_point for encoding in kv.in_input_order)
            for view, expected in zip(
                cache.views(slots), expected_views(history, slots, dtype, empties), strict=True
            ):
                np.testing.assert_array_equal(view, expected)


def test_a_cache_begins_and_begins_again_at_its_zero_points() -> None:
    cache = make_cache("uint16", PREFILL)
    views = cache.views(CONTEXT - 1)
    assert [set(view.flat) for view in views] == [{100}, {101}, {102}, {103}]
    cache.commit(new_columns(np.random.default_rng(0), 2, "uint16"), 2)
    cache.arrange(CONTEXT - 1, DECODE)
    cache.reset()
    assert [set(view.flat) for view in views] == [{90}, {91}, {92}, {93}]


def test_one_layout_may_still_change_what_the_codes_mean() -> None:
    cache = make_cache("uint8", PREFILL)
    new = [
        np.full_like(column, 121) for column in new_columns(np.random.default_rng(0), 1, "uint8")
    ]
    cache.commit(new, 1)
    cache.arrange(CONTEXT - 1, DECODE)
    expected = [(121 - 100) * 0.5 / 0.4 + 90, (121 - 101) * 0.25 / 0.5 + 91]
    for view, code, empty in zip(cache.views(CONTEXT - 1), expected, (90, 91), strict=False):
        assert set(view[..., 0].flat) == {round(code)}
        assert set(view[..., 1:].flat) == {empty}


def _memmoved(memory: Columns, row_bytes: tuple[int, int], rows: int) -> Columns:
    """``rearrange_key`` and ``rearrange_value`` of upstream literally: a memmove per row."""
    data, (source, target) = bytearray(memory.tobytes()), row_bytes
    count = min(source, target)
    order = range(rows) if source > target else reversed(range(rows))
    for row in order:
        data[row * target : row * target + count] = data[row * source : row * source + count]
    return np.frombuffer(bytes(data), memory.dtype).copy()


@given(
    dtype=st.sampled_from(DTYPES),
    steps=st.lists(st.tuples(st.sampled_from(ARS), st.integers(0, 5)), min_size=1, max_size=12),
    seed=st.integers(0, 1000),
)
def test_upstreams_contents_are_those_of_memory_moved_row_by_row(
    dtype: str, steps: list[tuple[int, int]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cache = KvCache(
        LAYERS, KV_HEADS, HEAD_DIM, CONTEXT - min(ARS), dtype, PREFILL, contents=UpstreamSlots()
    )
    size = KV_HEADS * HEAD_DIM * (CONTEXT - min(ARS))
    memories = [np.zeros(size, dtype) for _ in range(2 * LAYERS)]
    slots, filled = CONTEXT - min(ARS), 0
    for ar, count in steps:
        if filled + ar > CONTEXT - ar:
            continue
        for index, memory in enumerate(memories):
            rows, width = (KV_HEADS * HEAD_DIM, 1) if index < LAYERS else (KV_HEADS, HEAD_DIM)
            item = width * memory.itemsize
            memories[index] = _memmoved(memory, (slots * item, (CONTEXT - ar) * item), rows)
        slots = CONTEXT - ar
        cache.arrange(slots)
        new = new_columns(rng, ar, dtype)
        kept = min(count, ar)
        cache.commit(new, kept)
        for index, columns in enumerate(new):
            view = memories[index][: KV_HEADS * HEAD_DIM * slots]
            if index < LAYERS:
                view.reshape(1, KV_HEADS, HEAD_DIM, slots)[..., filled : filled + kept] = columns[
                    ..., :kept
                ]
            else:
                view.reshape(1, KV_HEADS, slots, HEAD_DIM)[:, :, filled : filled + kept] = columns[
                    :, :, :kept
                ]
        filled += kept
        for view, memory in zip(cache.views(slots), memories, strict=True):
            np.testing.assert_array_equal(view.reshape(-1), memory[: view.size])


def test_upstreams_requantization_converts_slots_without_a_position_too() -> None:
    cache = KvCache(
        LAYERS, KV_HEADS, HEAD_DIM, CONTEXT - 1, "uint16", PREFILL, contents=UpstreamSlots()
    )
    cache.commit(new_columns(np.random.default_rng(0), 1, "uint16"), 1)
    cache.arrange(CONTEXT - 1, DECODE)
    zero = np.zeros(1, np.uint16)
    for view, *pair in zip(
        cache.views(CONTEXT - 1), PREFILL.in_input_order, DECODE.in_input_order, strict=True
    ):
        (expected,) = requantize_as_upstream(zero, *pair)
        by_slot = view if view.shape[-1] == CONTEXT - 1 else view.swapaxes(2, 3)
        assert set(by_slot[..., 1:].flat) == {expected} != {0}


def test_a_new_conversation_finds_upstreams_memory_as_a_new_process_does() -> None:
    cache = KvCache(
        LAYERS, KV_HEADS, HEAD_DIM, CONTEXT - 1, "uint16", PREFILL, contents=UpstreamSlots()
    )
    cache.commit(new_columns(np.random.default_rng(0), 2, "uint16"), 2)
    cache.arrange(CONTEXT - 1, DECODE)
    cache.reset()
    cache.arrange(CONTEXT - 4, PREFILL)
    assert all((view == 0).all() for view in cache.views(CONTEXT - 4))


@pytest.mark.skipif(sys.platform != "linux", reason="memory in use is read from /proc")
def test_a_short_conversation_takes_no_memory_for_a_long_one() -> None:
    def resident_bytes() -> int:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    before, heads, dim, slots = resident_bytes(), 4, 64, 32_768
    cache = KvCache(1, heads, dim, slots, "float32")
    keys, values = cache.views(slots)
    new = [np.ones((1, heads, dim, 1), np.float32), np.ones((1, heads, 1, dim), np.float32)]
    for _ in range(2):
        cache.arrange(64, capacity=slots)
        cache.commit(new, 1)
        assert (cache.slots, cache.capacity, cache.filled) == (64, slots, 1)
        cache.reset()
    assert resident_bytes() - before < 0.2 * (keys.nbytes + values.nbytes)
