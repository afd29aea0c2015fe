"""How long a prompt may be (contract §4.5). Imports without torch: device rooms ask, too."""

from __future__ import annotations

from harness.errors import UserError


class PromptTooLong(UserError):
    """A prompt that the cache or ``--seq_len`` cannot take."""


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
        PromptTooLong: If a limit is passed.
    """
    total = n_past + prompt_tokens
    length = f"The prompt takes {prompt_tokens:,} tokens" + (
        f" after {n_past:,} of earlier turns" if n_past else ""
    )
    room = context_length - ar
    if total > room:
        raise PromptTooLong(
            f"{length}, but the context of {context_length:,} holds {room:,} before the {ar:,} of "
            f"one pass; shorten it, drop a turn or an image, or export with a larger --context."
        )
    if total >= seq_len:
        raise PromptTooLong(
            f"{length}, but --seq_len {seq_len} leaves room for {max(seq_len - 1 - n_past, 0):,}; "
            f"raise --seq_len (up to {context_length})."
        )
