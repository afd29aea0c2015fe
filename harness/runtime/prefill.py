"""The prompt through the decoder, AR tokens per pass (contract §4.5)."""

from __future__ import annotations

from collections.abc import Iterator

from harness.errors import UserError
from harness.runtime.decoder import Decoder
from harness.runtime.embedding import Rows
from harness.runtime.kv_cache import Array
from harness.runtime.observer import Observer


def check_prompt_fits(
    prompt_tokens: int, n_past: int, seq_len: int, context_length: int, ar: int
) -> None:
    """Refuse a prompt that the cache or ``seq_len`` cannot take.

    Args:
        prompt_tokens: Merged length of the turn's prompt, image rows included.
        n_past: Positions that earlier turns take.
        seq_len: Cap on the position counter.
        context_length: Compiled context length.
        ar: Tokens per pass; a whole last one must fit, in prefill and in lookahead.

    Raises:
        UserError: If a limit is passed.
    """
    total = n_past + prompt_tokens
    length = f"The prompt takes {prompt_tokens} tokens" + (
        f" after {n_past} of earlier turns" if n_past else ""
    )
    room = context_length - ar
    if total > room:
        raise UserError(
            f"{length}, but the context of {context_length} holds {room} before the {ar} of "
            f"one pass; shorten it, drop a turn or an image, or export with a larger --context."
        )
    if total >= seq_len:
        raise UserError(
            f"{length}, but --seq_len {seq_len} leaves room for {max(seq_len - 1 - n_past, 0)}; "
            f"raise --seq_len (up to {context_length})."
        )


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
    """
    decoder.begin()
    for start, count in chunks(len(embeddings), decoder.ar):
        logits = decoder.run(embeddings[start : start + count])
        decoder.accept(count)
        observer.logits("prefill", logits[:count])
    last: Array = logits[(len(embeddings) - 1) % decoder.ar]
    return last
