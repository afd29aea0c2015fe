"""How runs scatter: noise of median 0 and standard deviation 1, one row per session."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...], float], Array]
"""Draws noise of a shape for a coefficient of variation, on which its skewness may depend."""

_SLOW_SHARE = 0.3
_MODE_DISTANCE = 4.0


def normal(random: np.random.Generator, shape: tuple[int, ...], cv: float) -> Array:
    """Gaussian."""
    return random.normal(size=shape)


def lognormal(random: np.random.Generator, shape: tuple[int, ...], cv: float) -> Array:
    """Skewed as times are; the more, the larger the coefficient of variation."""
    width = float(np.sqrt(np.log1p(cv**2)))
    factors = np.exp(width * random.normal(size=shape))
    scatter = np.exp(width**2 / 2) * cv
    noise: Array = (factors - 1) / scatter
    return noise


def bimodal(random: np.random.Generator, shape: tuple[int, ...], cv: float) -> Array:
    """Two speeds, the slower in 30 % of runs, four of their own standard deviations apart."""
    slow = random.random(shape) < _SLOW_SHARE
    values = random.normal(size=shape) - _MODE_DISTANCE * slow
    scatter = np.sqrt(1 + _MODE_DISTANCE**2 * _SLOW_SHARE * (1 - _SLOW_SHARE))
    noise: Array = (values - _bimodal_median()) / scatter
    return noise


def _bimodal_median() -> float:
    def excess(value: float) -> float:
        slow = _SLOW_SHARE * stats.norm.cdf(value + _MODE_DISTANCE)
        return float(slow + (1 - _SLOW_SHARE) * stats.norm.cdf(value) - 0.5)

    return float(optimize.brentq(excess, -_MODE_DISTANCE, 1.0))


NOISES: dict[str, Noise] = {"normal": normal, "lognormal": lognormal, "bimodal": bimodal}


def autocorrelated(random: np.random.Generator, sessions: int, runs: int, lag_1: float) -> Array:
    """Stationary Gaussian noise that forgets by a factor per run: AR(1)."""
    steps = random.normal(size=(sessions, runs))
    noise = steps.copy()
    for run in range(1, runs):
        noise[:, run] = lag_1 * noise[:, run - 1] + np.sqrt(1 - lag_1**2) * steps[:, run]
    return noise
