"""How good answers are: shares of right ones, agreement with a reference, noise in tensors."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import ArrayLike

TOP2_GAP_TOLERANCE = 1e-3
"""Logit gap up to which two exports of one model may break a tie differently."""


def exact_match(answers: Sequence[object], expected: Sequence[object]) -> float:
    """Share of answers equal to the expected ones (texts or token ids), 0 to 1.

    Raises:
        ValueError: If there are no answers, or not as many as expected ones.
    """
    _check_paired(answers, expected)
    return statistics.fmean(a == e for a, e in zip(answers, expected, strict=True))


def token_agreement(
    token_ids: Sequence[Sequence[int]], reference_ids: Sequence[Sequence[int]]
) -> float:
    """Mean over samples of the share of positions with equal token ids, 0 to 1.

    Positions are counted up to the longer of the two, so a missing or extra tail disagrees.

    Raises:
        ValueError: If there are no samples, or the two sequences differ in length.
    """
    _check_paired(token_ids, reference_ids)
    return statistics.fmean(map(agreement, token_ids, reference_ids))


def agreement(ids: Sequence[int], reference: Sequence[int]) -> float:
    """Share of positions with equal token ids up to the longer of the two, 0 to 1."""
    longer = max(len(ids), len(reference))
    equal = sum(a == b for a, b in zip(ids, reference, strict=False))
    return equal / longer if longer else 1.0


def first_difference(ids_a: Sequence[int], ids_b: Sequence[int]) -> int | None:
    """First position at which two token sequences differ, None if they are equal."""
    pairs = enumerate(zip_longest(ids_a, ids_b))
    return next((position for position, (a, b) in pairs if a != b), None)


def counts_as_difference(top2_gap: float) -> bool:
    """Whether a differing token is an error rather than a tie broken the other way.

    Args:
        top2_gap: Largest minus second largest logit of the float reference at that position.
    """
    return top2_gap > TOP2_GAP_TOLERANCE


def golden_hit(answer: str, required_features: Sequence[str]) -> bool:
    """Whether an answer names every required feature as whole words, upper or lower case.

    Pass the answer alone, never the echoed prompt: a question may name what it asks for, and
    upstream's substring test counts that as a hit (contract §7).

    Raises:
        ValueError: If nothing is required.
    """
    if not required_features:
        raise ValueError("an answer needs at least one required feature")
    return all(_names(answer, feature) for feature in required_features)


GOLDEN = "golden"
"""Kind of the questions whose answers have to name features, whatever else they say."""

FEATURE_SEPARATOR = ", "
"""Between the features that a row of an answer has for the expected one."""


def required_features(kind: str, expected: str) -> tuple[str, ...]:
    """What an answer has to name, by its row; nothing where it has to equal the expected one."""
    named = expected.split(FEATURE_SEPARATOR) if kind == GOLDEN else ()
    return tuple(feature for feature in named if feature.strip())


def missing_features(answer: str, features: Sequence[str]) -> tuple[str, ...]:
    """The features that an answer does not name."""
    return tuple(feature for feature in features if not golden_hit(answer, [feature]))


def _names(answer: str, feature: str) -> bool:
    words = r"\s+".join(map(re.escape, feature.split()))
    if not words:
        raise ValueError("a required feature is empty")
    return re.search(rf"(?<!\w){words}(?!\w)", answer, re.IGNORECASE) is not None


def sqnr_db(reference: ArrayLike, measured: ArrayLike) -> float:
    """Signal to quantization noise ratio, ``10 log10(sum(r^2) / sum((r - m)^2))``.

    Args:
        reference: Float values of any shape.
        measured: Dequantized values of the same shape.

    Returns:
        Decibel; infinite if both are equal.

    Raises:
        ValueError: If the shapes differ, or there are no values.
    """
    signal = np.asarray(reference, dtype=np.float64)
    other = np.asarray(measured, dtype=np.float64)
    if signal.shape != other.shape or signal.size == 0:
        raise ValueError(f"cannot compare shapes {signal.shape} and {other.shape}")
    noise_power = float(np.square(signal - other).sum())
    signal_power = float(np.square(signal).sum())
    if noise_power == 0:
        return math.inf
    if noise_power == math.inf:
        return -math.inf
    return 10 * math.log10(signal_power / noise_power) if signal_power else -math.inf


def _check_paired(answers: Sequence[object], expected: Sequence[object]) -> None:
    if not answers or len(answers) != len(expected):
        raise ValueError(f"{len(answers)} answers cannot be paired with {len(expected)}")
