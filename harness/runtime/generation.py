"""What a run gives back. Imports without torch."""

from __future__ import annotations

from pydantic import BaseModel

from harness.measure.run_stats import RunStats


class Turn(BaseModel, frozen=True, extra="forbid"):
    """One answered prompt.

    Attributes:
        echo: The formatted prompt's text pieces, joined, as upstream writes them before the answer.
        text: The answer, stop token's text included when it was generated.
        token_ids: First token and one per decode step, stop token included.
        stats: Durations and counts.
        top2_gaps: Largest minus second largest logit where each token was chosen, in units of the
            decoder's output: codes of a quantized one. None unless the run was to record them.
        runner_up_ids: Tokens of the second largest logits, with ``top2_gaps``.
        is_retokenized: Whether ``token_ids`` were found by tokenizing ``text`` again, for a runner
            that prints none. Another split of the same text cannot be told from the one generated.
    """

    echo: str
    text: str
    token_ids: tuple[int, ...]
    stats: RunStats
    top2_gaps: tuple[float, ...] | None = None
    runner_up_ids: tuple[int, ...] | None = None
    is_retokenized: bool = False


class Generation(BaseModel, frozen=True, extra="forbid"):
    """All turns of one request, in order."""

    request_id: str
    turns: tuple[Turn, ...]

    @property
    def last(self) -> Turn:
        """The final turn, the only one of a single-turn request."""
        return self.turns[-1]
