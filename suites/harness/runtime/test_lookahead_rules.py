"""Loops of either rules answer alike; they differ in passes and in how far an answer may go."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.runtime.attention_mask import TokenTree
from harness.runtime.encodings import IDENTITY
from harness.runtime.kv_cache import KvCache
from harness.runtime.lookahead import LookaheadLoop
from harness.runtime.lookahead_rules import LookaheadRules, OwnRules, UpstreamRules
from harness.runtime.observer import Observer
from harness.runtime.phases import DecodeLimits
from harness.runtime.sampler import Sampler
from harness.runtime.stopwatch import LoadTimes, Stopwatch
from harness.vlm.mode import LookaheadShape

SHAPE = LookaheadShape(window=3, ngram=4, gcap=3)
PROMPT = [3, 1, 4, 1, 5]
VOCABULARY = 8
RULES = [OwnRules(), UpstreamRules()]


def follower(tokens: list[int]) -> int:
    """A text that repeats itself: what stood five tokens before."""
    return tokens[-5]


class GivenDecoder:
    """Knows what follows any tokens, and keeps those that were accepted."""

    execute_ns = 0

    def __init__(self, slots: int) -> None:
        self.cache = KvCache(1, 1, 1, slots, "float32")
        self.cache.filled = len(PROMPT)
        self.past = list(PROMPT)

    def begin(self) -> None:
        """Nothing to lay out."""

    def embed(self, token_ids: list[int]) -> NDArray[np.float32]:
        """Rows of one number, the token's own."""
        return np.array(token_ids, np.float32)[:, np.newaxis]

    def run_tree(self, rows: NDArray[np.float32], tree: TokenTree) -> NDArray[np.float32]:
        """One logit of 1 behind every token, whose ancestors the tree tells."""
        tokens = self._tokens = [int(number) for number in rows[:, 0]]
        logits = np.zeros((len(tokens), VOCABULARY), np.float32)
        for slot in range(len(tokens)):
            seen = sorted(np.flatnonzero(tree.visible[slot]), key=tree.offsets.__getitem__)
            logits[slot, follower([*self.past, *(tokens[one] for one in seen)])] = 1
        return logits

    def accept_columns(self, columns: list[int]) -> None:
        """Keep them, as long as there are slots."""
        assert self.cache.filled + len(columns) <= self.cache.capacity
        self.past += [self._tokens[column] for column in columns]
        self.cache.filled += len(columns)


def answer(
    rules: LookaheadRules, limits: DecodeLimits, slots: int = 100
) -> tuple[list[int], int, GivenDecoder]:
    """Tokens behind the first, passes, and the decoder afterwards."""
    decoder = GivenDecoder(slots)
    sampler, stopwatch = Sampler(0.0, 1.0, 0, IDENTITY), Stopwatch(LoadTimes(0, 0))
    known = cast(Any, decoder)
    loop = LookaheadLoop(known, known, sampler, Observer(), SHAPE, 0, rules)
    tokens: list[int] = []
    loop.run(follower(PROMPT), PROMPT, limits, tokens.append, stopwatch)
    return tokens, stopwatch.decode_steps, decoder


def greedy(count: int) -> list[int]:
    tokens = [*PROMPT, follower(PROMPT)]
    for _ in range(count):
        tokens.append(follower(tokens))
    return tokens[len(PROMPT) + 1 :]


@pytest.mark.parametrize("rules", RULES)
def test_tokens_are_those_of_greedy_decoding_in_fewer_passes(rules: LookaheadRules) -> None:
    tokens, passes, decoder = answer(rules, DecodeLimits(100, 40, frozenset()))
    assert tokens == greedy(40)
    assert passes < 40
    assert decoder.past == [*PROMPT, follower(PROMPT), *greedy(39)]


@pytest.mark.parametrize("seq_len", range(20, 32))
def test_upstream_alone_may_pass_seq_len_and_by_less_than_an_ngram(seq_len: int) -> None:
    limits = DecodeLimits(seq_len, None, frozenset())
    room = seq_len - 1 - len(PROMPT)
    ours, _, _ = answer(OwnRules(), limits)
    upstream, _, _ = answer(UpstreamRules(), limits)
    assert ours == greedy(room)
    assert upstream == greedy(len(upstream))
    assert room <= len(upstream) < room + SHAPE.ngram


@pytest.mark.parametrize("rules", RULES)
def test_no_cap_on_tokens_is_passed_and_no_slot_is_missing(rules: LookaheadRules) -> None:
    for cap in range(12):
        assert answer(rules, DecodeLimits(100, cap, frozenset()))[0] == greedy(cap)
    tokens, _, decoder = answer(rules, DecodeLimits(100, None, frozenset()), slots=21)
    assert decoder.cache.filled == 21
    assert len(tokens) - 16 in range(SHAPE.ngram)


@pytest.mark.parametrize("rules", RULES)
def test_a_stop_token_ends_an_answer_wherever_it_was_foreseen(rules: LookaheadRules) -> None:
    tokens, _, _ = answer(rules, DecodeLimits(100, None, frozenset({5})))
    assert tokens == greedy(10)[: greedy(10).index(5) + 1]
