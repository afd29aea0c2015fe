"""Lookahead decoding gives greedy decoding's tokens, whatever it guesses, in fewer passes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.runtime.attention_mask import AttentionMask
from harness.runtime.kv_cache import KvCache
from harness.runtime.lookahead_pass import LookaheadBranch, LookaheadSlots, NgramPool, accepted_path
from harness.runtime.lookahead_rules import OwnRules, UpstreamRules, c_random
from harness.vlm.mode import LookaheadShape

SHAPES = st.builds(
    LookaheadShape,
    window=st.integers(1, 6),
    ngram=st.integers(2, 6),
    gcap=st.integers(1, 5),
)


def ancestors(slots: LookaheadSlots, slot: int) -> list[int]:
    """Slots that a token continues, itself included, by the rules of contract §4.8."""
    shape = slots.shape
    branch = shape.window * (shape.ngram - 1)
    if slot < branch:
        level, column = divmod(slot, shape.window)
        below = [slots.guess(lower, column) for lower in range(1, level + 1)]
        return [*range(column + 1), *below]
    index, depth = divmod(slot - branch, shape.ngram - 1)
    return [0, *(slots.candidate(index, step) for step in range(1, depth + 2))]


@given(shape=SHAPES, data=st.data())
def test_a_token_sees_its_ancestors_and_nothing_else(
    shape: LookaheadShape, data: st.DataObject
) -> None:
    slots = LookaheadSlots(shape)
    candidates = data.draw(st.integers(0, shape.gcap))
    tree = slots.tree(candidates)
    used = shape.window * (shape.ngram - 1) + candidates * (shape.ngram - 1)
    assert tree.visible.shape == (used, used)
    assert used <= shape.slots <= shape.ar
    for slot in range(used):
        seen = ancestors(slots, slot)
        assert np.flatnonzero(tree.visible[slot]).tolist() == sorted(seen)
        # A token stands one position behind each token that it sees, in their order.
        assert tree.offsets[seen].tolist() == list(range(len(seen)))


@given(
    shape=SHAPES,
    dtype=st.sampled_from(("uint16", "uint8", "float32")),
    unused=st.integers(0, 3),
    data=st.data(),
)
def test_the_mask_shows_past_and_ancestors_and_hides_unused_slots(
    shape: LookaheadShape, dtype: str, unused: int, data: st.DataObject
) -> None:
    attend, masked = {"uint16": (65535, 0), "uint8": (255, 0), "float32": (0.0, -65535.0)}[dtype]
    ar, past = shape.slots + unused, data.draw(st.integers(0, 9))
    mask = AttentionMask(ar, 10 + ar, dtype)
    mask.begin(past)
    mask.link(LookaheadSlots(shape).tree(shape.gcap).visible)
    visible = LookaheadSlots(shape).tree(data.draw(st.integers(0, shape.gcap))).visible
    mask.link(visible)
    expected = np.full((ar, 10 + ar), masked, dtype)
    expected[:, :past] = attend
    for row, column in np.argwhere(visible):
        expected[row, 10 + column] = attend
    np.testing.assert_array_equal(mask.array[0, 0], expected)


@given(
    dtype=st.sampled_from(("uint16", "uint8", "float32")),
    passes=st.lists(st.sets(st.integers(0, 7), max_size=4), max_size=5),
)
def test_any_columns_are_committed_as_if_they_had_come_one_by_one(
    dtype: str, passes: list[set[int]]
) -> None:
    rng = np.random.default_rng(0)
    at_once, singly = (
        KvCache(layers=2, kv_heads=2, head_dim=3, max_slots=24, dtype=dtype) for _ in range(2)
    )
    for chosen in passes:
        columns = sorted(chosen)
        keys = [rng.integers(0, 255, (1, 2, 3, 8)).astype(dtype) for _ in range(2)]
        values = [rng.integers(0, 255, (1, 2, 8, 3)).astype(dtype) for _ in range(2)]
        at_once.commit_columns([*keys, *values], columns)
        for column in columns:
            one = slice(column, column + 1)
            singly.commit([*(k[..., one] for k in keys), *(v[:, :, one] for v in values)], 1)
    assert at_once.filled == singly.filled == sum(map(len, passes))
    for view, expected in zip(at_once.views(24), singly.views(24), strict=True):
        np.testing.assert_array_equal(view, expected)


def test_columns_that_find_no_slot_are_refused() -> None:
    cache = KvCache(layers=1, kv_heads=1, head_dim=1, max_slots=2, dtype="float32")
    new = [np.zeros((1, 1, 1, 4), np.float32)] * 2
    with pytest.raises(ValueError, match="position 2 needs a slot, there are 2"):
        cache.commit_columns(new, [0, 2, 3])


@given(
    capacity=st.integers(1, 4),
    seen=st.lists(st.tuples(st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(0, 2)))),
)
def test_the_pool_keeps_the_newest_ngrams_of_a_token_each_once(
    capacity: int, seen: list[tuple[int, tuple[int, int]]]
) -> None:
    pool = NgramPool(capacity)
    kept: dict[int, list[tuple[int, ...]]] = {0: [], 1: [], 2: []}
    for first, continuation in seen:
        pool.add(first, continuation)
        if continuation not in kept[first]:
            kept[first] = [*kept[first], continuation][-capacity:]
    for first, continuations in kept.items():
        assert pool.candidates(first) == tuple(continuations)


def test_first_guesses_are_the_text_and_depend_on_the_seed_alone() -> None:
    shape = LookaheadShape(window=4, ngram=4, gcap=1)
    branches = [LookaheadBranch(shape, [11, 12, 13], seed).tokens(99) for seed in (1, 1, 2)]
    assert branches[0] == branches[1] != branches[2]
    assert branches[0][0] == 99
    assert set(branches[0][1:]) <= {11, 12, 13}
    assert LookaheadBranch(shape, [5], seed=0).tokens(5) == [5] * 12


def test_a_column_becomes_an_ngram_that_begins_with_its_own_first_token() -> None:
    shape = LookaheadShape(window=2, ngram=3, gcap=1)
    branch = LookaheadBranch(shape, [7], seed=0)
    branch.advance(current=1, completed=[2, 3])
    assert branch.tokens(4) == [4, 7, 2, 3]
    assert branch.advance(current=4, completed=[5, 6]) == [(4, (2, 5)), (7, (3, 6))]
    assert branch.tokens(8) == [8, 3, 5, 6]


def next_token(sequence: Sequence[int], vocabulary: int) -> int:
    """A model: some token, which every earlier token decides."""
    return hashlib.sha256(bytes(sequence)).digest()[0] % vocabulary


def simulate(
    prompt: list[int], shape: LookaheadShape, vocabulary: int, count: int, stop_ids: set[int]
) -> tuple[list[int], int]:
    """Answer and number of passes of a loop over the same parts, with the model above."""
    slots, pool = LookaheadSlots(shape), NgramPool(shape.gcap)
    answer = [next_token(prompt, vocabulary)]
    branch = LookaheadBranch(shape, [*prompt, answer[0]], seed=0)
    cached, passes = list(prompt), 0
    while len(answer) < count and answer[-1] not in stop_ids:
        candidates = pool.candidates(answer[-1])
        tokens = [*branch.tokens(answer[-1]), *(t for ngram in candidates for t in ngram)]
        visible = slots.tree(len(candidates)).visible
        chosen = [
            next_token(cached + [tokens[seen] for seen in ancestors(slots, slot)], vocabulary)
            for slot in range(len(visible))
        ]
        room = count - len(answer)
        path = accepted_path(chosen.__getitem__, slots, candidates, room, stop_ids)
        assert sorted({slot for slot, _ in path}) == [slot for slot, _ in path]
        cached += [tokens[slot] for slot, _ in path]
        for first, continuation in branch.advance(answer[-1], chosen[slots.last_level]):
            pool.add(first, continuation)
        answer += [token for _, token in path]
        passes += 1
        assert cached == prompt + answer[:-1]
    return answer, passes


@given(
    prompt=st.lists(st.integers(0, 3), min_size=1, max_size=4),
    shape=SHAPES,
    vocabulary=st.integers(1, 4),
    count=st.integers(1, 30),
    stop_ids=st.sets(st.integers(0, 3), max_size=1),
)
def test_the_tokens_are_greedy_decodings(
    prompt: list[int], shape: LookaheadShape, vocabulary: int, count: int, stop_ids: set[int]
) -> None:
    expected: list[int] = []
    while len(expected) < count and not (expected and expected[-1] in stop_ids):
        expected.append(next_token(prompt + expected, vocabulary))
    answer, passes = simulate(prompt, shape, vocabulary, count, stop_ids)
    assert answer == expected
    assert passes <= len(expected) - 1


def test_a_text_that_repeats_itself_takes_fewer_passes() -> None:
    shape = LookaheadShape(window=4, ngram=5, gcap=4)
    answer, passes = simulate([0], shape, vocabulary=1, count=41, stop_ids=set())
    assert answer == [0] * 41
    assert passes == 9


def test_upstreams_first_guesses_are_drawn_by_c_from_the_second_token_on() -> None:
    text, shape = [11, 12, 13, 14, 15], LookaheadShape(window=4, ngram=3, gcap=1)
    drawn = (1804289383, 846930886, 1681692777, 1714636915, 1957747793, 424238335, 719885386)
    assert tuple(islice(c_random(), 7)) == drawn
    expected = [text[1 + number % 4] for number in (*drawn, 1649760492)]
    assert UpstreamRules().branch(shape, text, seed=7).tokens(99) == [99, *expected[1:]]


def test_upstream_files_column_0_under_the_guess_that_stood_there() -> None:
    shape = LookaheadShape(window=2, ngram=3, gcap=1)
    branch = UpstreamRules().branch(shape, [1, 7], seed=0)
    branch.advance(current=1, completed=[2, 3])
    branch.advance(current=4, completed=[5, 6])
    assert branch.advance(current=8, completed=[9, 10]) == [(2, (5, 9)), (3, (6, 10))]


def test_upstream_learns_nothing_from_a_pass_that_ends_at_once_and_may_pass_seq_len() -> None:
    ours, upstream = OwnRules(), UpstreamRules()
    assert [rules.learns(5, {5}) for rules in (ours, upstream)] == [True, False]
    assert ours.learns(4, {5})
    assert upstream.learns(4, {5})
    assert [rules.most_tokens(2, 30) for rules in (ours, upstream)] == [2, 30]
    assert [rules.most_tokens(9, 3) for rules in (ours, upstream)] == [3, 3]
