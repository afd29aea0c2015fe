"""Several tokens per pass where the answer was foreseen (contract §4.8).

Lookahead decoding (Fu et al., "Break the Sequential Dependency of LLM Inference Using Lookahead
Decoding", arXiv 2402.02057): every pass guesses tokens to come, gathers the guesses as n-grams and
verifies the n-grams that begin with the answer's last token. An answer is the one of greedy
decoding, whatever was guessed.

The cache has ``context_length - AR`` slots, so an answer ends there, as upstream's does; AR 1 would
have gone on. What upstream gets wrong and is right here under any rules: what was accepted in the
last pass of a full cache is missing in the next turn, and an AR that the slots do not fill is read
beyond its end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain

from harness.measure.run_stats import StopReason
from harness.runner_log.messages import LOOKAHEAD
from harness.runtime.decoder import Decoder
from harness.runtime.embedding import TokenEmbedder
from harness.runtime.kv_cache import Array
from harness.runtime.lookahead_pass import LookaheadBranch, LookaheadSlots, NgramPool, accepted_path
from harness.runtime.lookahead_rules import LookaheadRules, OwnRules
from harness.runtime.observer import Observer
from harness.runtime.phases import DecodeLimits
from harness.runtime.sampler import Sampler
from harness.runtime.stopwatch import Stopwatch
from harness.runtime.tensor_check import check_embeddings, check_logits
from harness.vlm.mode import LookaheadShape


@dataclass
class LookaheadLoop:
    """The decode method with what one conversation has taught it; made anew for the next one.

    Attributes:
        decoder: With an AR of at least ``shape.slots``.
        sampler: At temperature 0.
        seed: Of the first guesses.
        rules: How to guess and learn.
    """

    decoder: Decoder
    embedding: TokenEmbedder
    sampler: Sampler
    observer: Observer
    shape: LookaheadShape
    seed: int
    rules: LookaheadRules = field(default_factory=OwnRules)
    _branch: LookaheadBranch | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._slots = LookaheadSlots(self.shape)
        self._pool = NgramPool(self.shape.gcap)

    def run(
        self,
        token_id: int,
        text_ids: Sequence[int],
        limits: DecodeLimits,
        on_token: Callable[[int], None],
        stopwatch: Stopwatch,
    ) -> StopReason:
        """Continue from a token that is not in the cache yet.

        Args:
            token_id: The first token of the answer.
            text_ids: The prompt's text, which the conversation's first guesses are drawn from.
            limits: When to stop.
            on_token: Called with each further token as soon as it is known.
            stopwatch: Gets the number of passes, sampling and execution time.
        """
        decoder = self.decoder
        executed_before = decoder.execute_ns + self.embedding.execute_ns
        if self._branch is None:
            self.observer.log("Initialize Lookahead branch")
            self._branch = self.rules.branch(self.shape, [*text_ids, token_id], self.seed)
        decoder.begin()
        start, passes_before = decoder.cache.filled, stopwatch.decode_steps
        end = limits.end(decoder.cache)
        cap = math.inf if limits.max_tokens is None else start + limits.max_tokens
        generated = 0
        reason: StopReason = "length"
        while decoder.cache.filled < end and reason == "length":
            filled = decoder.cache.filled
            room = self.rules.most_tokens(end - filled, cap - filled)
            found = self._step(self._branch, token_id, room, limits.stop_ids, stopwatch)
            for token in found:
                on_token(token)
            generated += len(found)
            token_id = found[-1]
            if token_id in limits.stop_ids:
                reason = "stop_token"
        passes = stopwatch.decode_steps - passes_before
        stopwatch.execute_ns += decoder.execute_ns + self.embedding.execute_ns - executed_before
        self.observer.log(LOOKAHEAD.write(generated=generated, accepted=generated - passes))
        return reason

    def _step(
        self,
        branch: LookaheadBranch,
        token_id: int,
        room: float,
        stop_ids: Collection[int],
        stopwatch: Stopwatch,
    ) -> list[int]:
        """One pass; returns the tokens that follow ``token_id``, at least one, at most ``room``."""
        candidates = self._pool.candidates(token_id)
        token_ids = [*branch.tokens(token_id), *chain.from_iterable(candidates)]
        tree = self._slots.tree(len(candidates))
        step = f"decode step {stopwatch.decode_steps + 1}"
        embeddings = self.embedding.embed(token_ids)
        check_embeddings(embeddings, token_ids, step)
        logits = self.decoder.run_tree(embeddings, tree)
        for row in logits[: len(token_ids)]:
            check_logits(row, step)
        stopwatch.decode_steps += 1
        start_ns = time.perf_counter_ns()
        path = accepted_path(
            lambda slot: self.sampler.sample(logits[slot]), self._slots, candidates, room, stop_ids
        )
        if self.rules.learns(path[0][1], stop_ids):
            self._learn(branch, token_id, logits)
        stopwatch.sampling_ns += time.perf_counter_ns() - start_ns
        for slot, _ in path:
            self.observer.logits("decode", logits[slot : slot + 1])
        free = self.decoder.cache.capacity - self.decoder.cache.filled
        self.decoder.accept_columns([slot for slot, _ in path[:free]])
        return [token for _, token in path]

    def _learn(self, branch: LookaheadBranch, token_id: int, logits: Array) -> None:
        """Keep what the pass made of its guesses; the lowest index wins ties, as in sampling."""
        completed = logits[self._slots.last_level].argmax(axis=-1).tolist()
        for first, continuation in branch.advance(token_id, completed):
            self._pool.add(first, continuation)
