"""``seq_len``, the cap on the position counter (contract §4.6). Imports without torch."""

from __future__ import annotations

from collections.abc import Callable

from harness.runner_log.messages import CAP


def clamp_seq_len(requested: int, context_length: int, log: Callable[[str], None]) -> int:
    """The cap that holds: 0 means the context, and no cap is above it.

    Upstream warns about 0 too; here it is the way to ask for the whole context.
    """
    if requested > context_length:
        log(
            f"Warning: Requested seq_len ({requested}) exceeds compiled max_seq_len "
            f"({context_length}). Clamping to {context_length}."
        )
    elif requested < 0:
        log(
            f"Warning: Invalid seq_len ({requested}). Using compiled max_seq_len "
            f"({context_length})."
        )
    return min(requested, context_length) if requested > 0 else context_length


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
