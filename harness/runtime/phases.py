"""The two phases of a turn: its prompt, AR tokens a pass, and its answer, a token a pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from harness.measure.run_stats import StopReason
from harness.runner_log.messages import CAP
from harness.runtime.decoder import Decoder
from harness.runtime.embedding import Rows, TokenEmbedder
from harness.runtime.kv_cache import Array, KvCache
from harness.runtime.observer import Observer
from harness.runtime.sampler import Sampler
from harness.runtime.stopwatch import Stopwatch
from harness.runtime.tensor_check import check_finite, check_logits


def chunks(prompt_tokens: int, ar: int) -> Iterator[tuple[int, int]]:
    """Start and length of every pass; only the last may be shorter than AR."""
    for start in range(0, prompt_tokens, ar):
        yield start, min(ar, prompt_tokens - start)


def prefill(decoder: Decoder, embeddings: Rows, observer: Observer) -> Array:
    """Feed a prompt behind what the cache holds.

    Args:
        decoder: The prefill method.
        embeddings: float32 ``[prompt_tokens, hidden_size]``, at least one row.
        observer: Is handed the logits of all prompt tokens.

    Returns:
        Logits ``[vocab_size]`` of the last prompt token, valid until the decoder runs again.

    Raises:
        UserError: If logits are no finite numbers, or no token can be chosen by them.
    """
    decoder.begin()
    for start, count in chunks(len(embeddings), decoder.ar):
        logits = decoder.run(embeddings[start : start + count])
        decoder.accept(count)
        # Every later token attends to a broken one, so the last of a pass tells of all.
        if not np.isfinite(logits[count - 1]).all():
            check_finite(logits[:count], "text decoder", "logits", f"prefill from token {start} on")
        observer.logits("prefill", logits[:count])
    last: Array = logits[(len(embeddings) - 1) % decoder.ar]
    check_logits(last, f"the prompt's last token, {len(embeddings) - 1}")
    return last


def clamp_seq_len(requested: int, context_length: int) -> int:
    """The cap that holds: 0 means the context, as a negative number does; none is above it."""
    return min(requested, context_length) if requested > 0 else context_length


def seq_len_warnings(requested: int, context_length: int) -> Iterator[str]:
    """What upstream logs in each turn of a cap that does not hold.

    Upstream warns about 0 too; here it is the way to ask for the whole context.
    """
    if requested > context_length:
        yield (
            f"Warning: Requested seq_len ({requested}) exceeds compiled max_seq_len "
            f"({context_length}). Clamping to {context_length}."
        )
    elif requested < 0:
        yield (
            f"Warning: Invalid seq_len ({requested}). Using compiled max_seq_len "
            f"({context_length})."
        )


def limit_warnings(seq_len: int, context_length: int) -> tuple[str, str]:
    """What upstream logs when an answer ends at the cap."""
    first = CAP.write(seq_len=seq_len)
    if seq_len == context_length:
        return first, (
            f"- seq_len ({seq_len}) already equals compiled max_context_len ({context_length}). "
            "Consider recompiling with larger --max_context_len."
        )
    return first, (
        f"- seq_len ({seq_len}) is less than compiled max_context_len ({context_length}). "
        f"Consider increasing --seq_len (up to {context_length})."
    )


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
        end = min(self.seq_len - 1, cache.capacity)
        return end if self.max_tokens is None else min(end, cache.filled + self.max_tokens)


@dataclass(frozen=True)
class DecodeLoop:
    """The decode method, what feeds it and who listens."""

    decoder: Decoder
    embedding: TokenEmbedder
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

        Raises:
            UserError: If embeddings or logits are such as ``tensor_check`` refuses.
        """
        decoder, embedding, sampler = self.decoder, self.embedding, self.sampler
        executed_before = decoder.execute_ns + embedding.execute_ns
        reason: StopReason = "length"
        decoder.begin()
        end = limits.end(decoder.cache)
        while decoder.cache.filled < end:
            step = f"decode step {stopwatch.decode_steps + 1}"
            logits = decoder.run(embedding.embed_one(token_id, step))
            check_logits(logits[0], step)
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
