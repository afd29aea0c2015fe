"""How like each other two stages' tensors are: noise, direction, and what logits would choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.measure.accuracy import sqnr_db

_TOP = 5

_SILENT = 0.01
"""Share of the mean power of all channels below which one is silent: a weight that is rounded has
noise even where it says next to nothing."""


@dataclass(frozen=True)
class Likeness:
    """What a stage made of a signal, held against what the stage before it made of it.

    Attributes:
        sqnr_db: Signal to noise of the whole, infinite where both are equal.
        cosine: Of the angle between both, 1 for one direction.
        largest_error: Largest difference, as a share of the largest value before.
        worst_channel_db: Signal to noise of the channel with the least: one wrong weight is lost in
            the noise of a whole tensor, and is not in that of its own channel.
    """

    sqnr_db: float
    cosine: float
    largest_error: float
    worst_channel_db: float


@dataclass(frozen=True)
class LogitLikeness:
    """What two stages' logits would choose, over some steps.

    Attributes:
        steps: Rows that were compared.
        top1: Share of steps at which both have one best token.
        top5: Share of steps at which the best token before is among the five best behind.
        kl_nats: Kullback-Leibler divergence of the distributions behind from those before, by step.
    """

    steps: int
    top1: float
    top5: float
    kl_nats: tuple[float, ...]


def likeness(before: ArrayLike, behind: ArrayLike) -> Likeness:
    """Compare what two stages made of one signal, ``[rows, channels]``.

    Raises:
        ValueError: If the shapes differ, or there are no values.
    """
    noise = sqnr_db(before, behind)
    channels = _channels_db(np.asarray(before, np.float64), np.asarray(behind, np.float64))
    one, other = (np.asarray(values, dtype=np.float64).ravel() for values in (before, behind))
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    largest = float(np.abs(one).max())
    error = float(np.abs(one - other).max())
    return Likeness(
        sqnr_db=noise,
        cosine=float(one @ other) / lengths if lengths else float(not error),
        largest_error=error / largest if largest else float(error > 0),
        worst_channel_db=float(channels.min()),
    )


def _channels_db(before: NDArray[np.float64], behind: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signal to noise of each channel, a nearly silent one taken for as loud as a silent one is."""
    powers = np.square(before).mean(axis=0)
    noise = np.square(before - behind).mean(axis=0)
    heard = np.maximum(powers, powers.mean() * _SILENT)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: NDArray[np.float64] = 10 * np.log10(heard / noise)
    # Where nothing is said and nothing heard, nothing is wrong.
    return np.where(noise == 0, np.inf, ratios)


def logit_likeness(before: Sequence[ArrayLike], behind: Sequence[ArrayLike]) -> LogitLikeness:
    """Compare rows of logits ``[vocabulary]``, step by step.

    Raises:
        ValueError: If there are no steps, or not as many on both sides.
    """
    if not before or len(before) != len(behind):
        raise ValueError(f"{len(before)} steps cannot be compared with {len(behind)}")
    first, fifth, divergences = 0, 0, []
    for one, other in zip(before, behind, strict=True):
        was, now = (np.asarray(row, dtype=np.float64) for row in (one, other))
        best = int(was.argmax())
        if not np.isfinite(now).all():
            divergences.append(math.inf)
            continue
        first += best == int(now.argmax())
        fifth += int((now > now[best]).sum()) < _TOP
        divergences.append(_divergence(_log_shares(was), _log_shares(now)))
    steps = len(divergences)
    return LogitLikeness(steps, first / steps, fifth / steps, tuple(divergences))


def _log_shares(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max()
    shares: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return shares


def _divergence(was: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    # Rounding makes -1e-17 of two equal distributions.
    return max(0.0, float((np.exp(was) * (was - now)).sum()))
