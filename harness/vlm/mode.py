"""Modes that a text decoder is exported and run in (contract §1.2). Imports without torch."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import UserError
from harness.vocabulary import Mode

EVAL_MODES: dict[Mode, int] = {"kv": 0, "hybrid": 1, "lookahead": 2}
"""``--eval_mode`` of each mode."""


def file_mode_of(mode: Mode) -> Mode:
    """Mode of the file that a mode runs on: kv and hybrid share one, lookahead has its own."""
    return "lookahead" if mode == "lookahead" else "hybrid"


@dataclass(frozen=True)
class LookaheadShape:
    """Size of the lookahead branch (Fu et al., arXiv 2402.02057; contract §4.8).

    Attributes:
        window: Guesses per level (W).
        ngram: Tokens of an n-gram, the current one included (N).
        gcap: Most n-grams that one step verifies (G).

    Raises:
        UserError: If a size cannot make a branch.
    """

    window: int
    ngram: int
    gcap: int

    def __post_init__(self) -> None:
        for name, least in (("window", 1), ("ngram", 2), ("gcap", 1)):
            if getattr(self, name) < least:
                raise UserError(
                    f"Lookahead {name} {getattr(self, name)} is below {least}; give window, ngram "
                    "and gcap as in 8,5,8."
                )

    @property
    def slots(self) -> int:
        """Tokens of one step: the lookahead branch and the n-grams to verify."""
        return (self.window + self.gcap) * (self.ngram - 1)

    @property
    def ar(self) -> int:
        """AR of ``kv_forward``: the next power of two that holds all slots (contract §1.2)."""
        return 1 << (self.slots - 1).bit_length()

    def __str__(self) -> str:
        return f"{self.window},{self.ngram},{self.gcap}"


UPSTREAM_LOOKAHEAD = LookaheadShape(window=8, ngram=5, gcap=8)
"""What upstream's exporter takes unless told otherwise (contract §6.1)."""


def parse_lookahead(text: str) -> LookaheadShape:
    """Read ``W,N,G`` of ``--lookahead``.

    Raises:
        UserError: If it is not three whole numbers, or they make no branch.
    """
    words = text.split(",")
    if len(words) != 3 or not all(word.strip().isdigit() for word in words):
        raise UserError(f"--lookahead {text!r} is not W,N,G; give e.g. --lookahead 8,5,8.")
    window, ngram, gcap = map(int, words)
    return LookaheadShape(window, ngram, gcap)
