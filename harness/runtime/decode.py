"""One token per pass until something stops it (contract §4.6)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from harness.measure.run_stats import StopReason
from harness.runtime.decoder import Decoder
from harness.runtime.embedding import TokenEmbedding
from harness.runtime.kv_cache import KvCache
from harness.runtime.observer import Observer
from harness.runtime.sampler import Sampler
from harness.runtime.stopwatch import Stopwatch


@dataclass(frozen=True)
class DecodeLimits:
    """What ends an answer.

    Attributes:
        seq_len: No token is decoded at position ``seq_len - 1`` or later.
        max_tokens: Most tokens behind the first one, None for no such cap.
        stop_ids: Tokens that end the answer; empty to ignore them.
    """

    seq_len: int
    max_tokens: int | None
    stop_ids: frozenset[int]

    def end(self, cache: KvCache) -> int:
        """Positions that the cache may hold when the answer ends.

        Args:
            cache: Behind the prompt, in the layout of the decode method.
        """
        end = min(self.seq_len - 1, cache.slots)
        return end if self.max_tokens is None else min(end, cache.filled + self.max_tokens)


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
            stopwatch: Gets the number of passes, sampling and execution time.
        """
        decoder, embedding, sampler = self.decoder, self.embedding, self.sampler
        executed_before = decoder.execute_ns + embedding.execute_ns
        reason: StopReason = "length"
        decoder.begin()
        end = limits.end(decoder.cache)
        while decoder.cache.filled < end:
            logits = decoder.run(embedding.embed_one(token_id))
            start_ns = time.perf_counter_ns()
            token_id = sampler.sample(logits[0])
            stopwatch.sampling_ns += time.perf_counter_ns() - start_ns
            stopwatch.decode_steps += 1
            decoder.accept(1)
            self.observer.logits("decode", logits)
            on_token(token_id)
            if token_id in limits.stop_ids:
                reason = "stop_token"
                break
        stopwatch.execute_ns += decoder.execute_ns + embedding.execute_ns - executed_before
        return reason
