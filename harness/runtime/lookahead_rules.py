"""How lookahead decoding guesses and learns, ours and upstream's. Imports without torch.

No rule changes a token of an answer; they decide how many passes it takes, and upstream's let an
answer pass ``seq_len`` (contract §8).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Protocol

from harness.runtime.lookahead_pass import LookaheadBranch, Ngram
from harness.vlm.mode import LookaheadShape


class LookaheadRules(Protocol):
    """What a lookahead loop asks whenever there is a choice."""

    def branch(self, shape: LookaheadShape, text_ids: Sequence[int], seed: int) -> LookaheadBranch:
        """Guesses for a conversation's first pass.

        Args:
            shape: Of the branch.
            text_ids: The prompt's text and the answer's first token.
            seed: Of the drawing.
        """
        ...

    def learns(self, chosen: int, stop_ids: Collection[int]) -> bool:
        """Whether a pass whose slot 0 was followed by this token teaches anything."""
        ...

    def most_tokens(self, before_seq_len: int, before_cap: float) -> float:
        """Most tokens that a pass may yield.

        Args:
            before_seq_len: Tokens to the end of context and ``seq_len``.
            before_cap: Tokens to the end that ``max_new_tokens`` asks for; infinity without.
        """
        ...


class OwnRules:
    """Every n-gram is filed under the token that it follows, and no limit is passed."""

    def branch(self, shape: LookaheadShape, text_ids: Sequence[int], seed: int) -> LookaheadBranch:
        """Drawn from all of the text."""
        return LookaheadBranch(shape, text_ids, seed)

    def learns(self, chosen: int, stop_ids: Collection[int]) -> bool:
        """From every pass: the next turn may need it."""
        return True

    def most_tokens(self, before_seq_len: int, before_cap: float) -> float:
        """Up to the nearer end."""
        return min(before_seq_len, before_cap)


class UpstreamRules:
    """Those of ``MultimodalLhdTokenGenerator``, so that passes and accepted tokens are equal."""

    def branch(self, shape: LookaheadShape, text_ids: Sequence[int], seed: int) -> LookaheadBranch:
        """Drawn by C's ``rand``, which nobody seeds, from all of the text but its first token."""
        return UpstreamBranch(shape, text_ids, seed)

    def learns(self, chosen: int, stop_ids: Collection[int]) -> bool:
        """Not from a pass that ended the answer at once."""
        return chosen not in stop_ids

    def most_tokens(self, before_seq_len: int, before_cap: float) -> float:
        """A whole n-gram, wherever ``seq_len`` is; upstream has no other cap."""
        return before_cap


class UpstreamBranch(LookaheadBranch):
    """Guesses as upstream draws and files them."""

    def draw(self, text_ids: Sequence[int], seed: int) -> Iterator[int]:
        """Tokens from the second on, by a C library's random numbers."""
        others = text_ids[1:]
        return (others[number % len(others)] for number in c_random())

    def firsts(self, current: int, guesses: Ngram) -> Ngram:
        """The guesses themselves: column 0 is filed under what was guessed for its place."""
        return guesses


def c_random() -> Iterator[int]:
    """What ``rand()`` returns, call by call, on Linux and Android if nobody seeds it.

    Source: glibc's ``random_r.c``: additive feedback with seed 1, whose first 310 are discarded.
    """
    return islice(_additive_feedback(), 310, None)


def _additive_feedback() -> Iterator[int]:
    state = [1]
    for _ in range(30):
        state.append(16807 * state[-1] % 2147483647)
    state += state[:3]
    while True:
        state = [*state[1:], (state[-3] + state[-31]) % 2**32]
        yield state[-1] >> 1
