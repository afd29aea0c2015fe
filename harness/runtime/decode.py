"""One token per pass until something stops it (contract §4.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.measure.run_stats import StopReason
from harness.runtime.decoder import Decoder
from harness.runtime.embedding import TokenEmbedding
from harness.runtime.observer import Observer
from harness.runtime.sampler import Sampler
from harness.runtime.stopwatch import Stopwatch


@dataclass(frozen=True)
class DecodeLimits:
    """What ends an answer.

    Attributes:
        seq_len: No step begins at position ``seq_len - 1`` or later.
        max_steps: Most decode steps, None for no such cap.
        stop_ids: Tokens that end the answer; empty to ignore them.
    """

    seq_len: int
    max_steps: int | None
    stop_ids: frozenset[int]


@dataclass(frozen=True)
class DecodeLoop:
    """The decode method, what feeds it and who listens."""

    decoder: Decoder
    embedding: TokenEmbedding
    sampler: Sampler
    observer: Observer

    def run(
        self,
        token_id: int,
        limits: DecodeLimits,
        on_token: Callable[[int], None],
        stopwatch: Stopwatch,
    ) -> StopReason:
        """Continue from a token that is not in the cache yet.

        Args:
            token_id: The first token of the answer.
            limits: When to stop.
            on_token: Called with the token of each step as soon as it is known.
            stopwatch: Gets sampling and execution time.
        """
        decoder, embedding, sampler = self.decoder, self.embedding, self.sampler
        executed_before = decoder.execute_ns + embedding.execute_ns
        last_position = limits.seq_len - 1
        if limits.max_steps is not None:
            last_position = min(last_position, decoder.cache.filled + limits.max_steps)
        reason: StopReason = "length"
        decoder.begin()
        while decoder.cache.filled < last_position:
            logits = decoder.run(embedding.embed_one(token_id))
            start_ns = time.perf_counter_ns()
            token_id = sampler.sample(logits[0])
            stopwatch.sampling_ns += time.perf_counter_ns() - start_ns
            decoder.accept(1)
            self.observer.logits("decode", logits)
            on_token(token_id)
            if token_id in limits.stop_ids:
                reason = "stop_token"
                break
        stopwatch.execute_ns += decoder.execute_ns + embedding.execute_ns - executed_before
        return reason
