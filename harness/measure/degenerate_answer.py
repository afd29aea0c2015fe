"""Answers that say nothing: empty ones, and a few tokens again and again."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_CYCLE = 4
"""Tokens that are said again and again; a sentence that a small model repeats is longer."""

FEWEST_REPEATING = 8
"""Tokens that an answer has at least before it counts as a repetition."""

_LEAST_ROUNDS = 3
_LEAD_IN = 2
"""Tokens that may come before the cycle."""


def degeneracy(token_ids: Sequence[int], text: str) -> str | None:
    """Why an answer says nothing, None if it may say something.

    What a model says behind its stop token, where stops are ignored, is no part of its answer:
    healthy models repeat themselves there.

    Args:
        token_ids: Before the stop token.
        text: Of the same tokens.
    """
    if not text.strip():
        return "the stop token comes first" if not token_ids else "it is empty"
    if len(token_ids) < FEWEST_REPEATING:
        return None
    for period in range(1, LONGEST_CYCLE + 1):
        for lead in range(_LEAD_IN + 1):
            said = token_ids[lead:]
            if len(said) >= _LEAST_ROUNDS * period and all(
                one == other for one, other in zip(said, said[period:], strict=False)
            ):
                cycle = ", ".join(map(str, said[:period]))
                plural = "token" if period == 1 else "tokens"
                return f"it is {plural} {cycle} again and again"
    return None
