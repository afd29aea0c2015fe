"""The plain loop's memory of upstream's cache, and the runner's, are one memory."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.interop.plain_caches import CacheSizes, MovedCaches, ZeroPointCaches
from harness.runtime.cache_contents import UpstreamSlots
from harness.runtime.kv_cache import KvCache

SIZES = CacheSizes(layers=1, heads=2, width=3, context_length=12)
ARS = (4, 1)
CALLS = st.lists(st.tuples(st.sampled_from(ARS), st.integers(1, 4)), max_size=6)


def columns(ar: int, number: int) -> list[torch.Tensor]:
    """A method's new K and V, of codes that tell where they come from."""
    codes = torch.arange(6 * ar, dtype=torch.int32) + 1000 * number + 1
    return [codes.to(torch.uint16).reshape(shape) for shape in ((1, 2, 3, ar), (1, 2, ar, 3))]


@given(calls=CALLS)
def test_rows_are_moved_as_the_runner_moves_them(calls: list[tuple[int, int]]) -> None:
    plain = MovedCaches(SIZES, slots=8, most_slots=11)
    runner = KvCache(1, 2, 3, max_slots=11, dtype="uint16", contents=UpstreamSlots())
    runner.arrange(8)
    for number, (ar, wanted) in enumerate(calls, start=1):
        count, slots = min(ar, wanted), 12 - ar
        if runner.filled + count > min(slots, 8):
            return
        runner.arrange(slots)
        for ours, theirs in zip(runner.views(slots), plain.past(slots), strict=True):
            np.testing.assert_array_equal(ours, theirs.to(torch.int32).numpy())
        new = columns(ar, number)
        plain.keep(new, runner.filled, count)
        runner.commit([one.to(torch.int32).numpy().astype(np.uint16) for one in new], count)


def test_empty_slots_of_the_other_hold_their_zero_points() -> None:
    plain = ZeroPointCaches(SIZES, zero_points=(7, 9))
    plain.keep(columns(4, 1), start=0, count=2)
    keys, values = plain.past(8)
    assert set(keys[..., 2:].flatten().tolist()) == {7}
    assert set(values[:, :, 2:].flatten().tolist()) == {9}
    assert keys.shape == (1, 2, 3, 8)
    assert values.shape == (1, 2, 8, 3)
