"""Perplexity of a text, and how much larger it is than the float model's on the same tokens."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from harness.measure.estimate import CONFIDENCE, Estimate
from harness.measure.ratio import MIN_SCENES
from harness.measure.wording import plural

STRETCH = 32
"""Tokens that stand or fall together: what one of them says bears on the next."""

_RESAMPLES = 2000
_SEED = 0


@dataclass(frozen=True)
class TokenLosses:
    """Negative logarithms of what two models gave the tokens of a text as their probability.

    Attributes:
        reference: Of the float model, one per token, in nats.
        measured: Of the other, for the same tokens.
    """

    reference: tuple[float, ...]
    measured: tuple[float, ...]


def perplexity(losses: Sequence[float]) -> float:
    """Perplexity of a text, every token with one weight."""
    return math.exp(math.fsum(losses) / len(losses))


def perplexity_ratio(windows: Sequence[TokenLosses]) -> Estimate:
    """Perplexity over that of the float model.

    Its bounds are a bootstrap's over stretches of ``STRETCH`` tokens, each with its differences
    from the float model: what makes a text hard is hard for both.

    Args:
        windows: Stretches of text that were each read from an empty cache.

    Returns:
        Without bounds below 25 stretches.

    Raises:
        ValueError: If there are no tokens.
    """
    stretches = [
        (math.fsum(part), len(part)) for window in windows for part in _stretches(_lost(window))
    ]
    tokens = sum(count for _, count in stretches)
    if not tokens:
        raise ValueError("no tokens, no perplexity")
    lower, upper = _bounds(stretches)
    return Estimate(
        value=math.exp(math.fsum(lost for lost, _ in stretches) / tokens),
        interval="ratio",
        lower=lower,
        upper=upper,
        count_of=tokens,
        counted="token",
        count=None,
        told=plural(tokens, "token"),
    )


def _lost(window: TokenLosses) -> list[float]:
    pairs = zip(window.measured, window.reference, strict=True)
    return [measured - reference for measured, reference in pairs]


def _stretches(lost: Sequence[float]) -> list[Sequence[float]]:
    return [lost[start : start + STRETCH] for start in range(0, len(lost), STRETCH)]


def _bounds(stretches: Sequence[tuple[float, int]]) -> tuple[float | None, float | None]:
    """Quantiles of the ratio over samples drawn with replacement, the same at every call."""
    if len(stretches) < MIN_SCENES:
        return None, None
    source = random.Random(_SEED)
    ratios = []
    for _ in range(_RESAMPLES):
        drawn = source.choices(stretches, k=len(stretches))
        ratios.append(math.exp(math.fsum(lost for lost, _ in drawn) / sum(n for _, n in drawn)))
    ratios.sort()
    outside = math.floor((1 - CONFIDENCE) * _RESAMPLES)
    return ratios[outside], ratios[-1 - outside]
