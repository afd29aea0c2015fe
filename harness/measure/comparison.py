"""Two artifacts compared on one device: A and B take turns, and B's runs are held against A's.

For ``--compare``: run ``abba_order(pairs)``, pair consecutive runs as ``Pair``, and call
``compare_pairs``. The rule is that of statistics §2.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from harness.measure.metrics import Better
from harness.measure.sample import Sample, too_many_invalid

MIN_PAIRS = 8
"""Below this no sign-flip test can reach ``P_VALUE``: two of 2^7 flips are 1.6 %."""

P_VALUE = 0.01
"""Both tests must be below it for a difference."""

NOISE_FLOOR = 0.03
"""Share by which two runs of one artifact may differ; a smaller difference counts as none."""

DETECTABLE = 0.05
"""Share that a comparison must be able to find before it may say that nothing changed."""

_RESAMPLES = 9_999
_SEED = 20_260_125


class Outcome(StrEnum):
    """How a comparison ends, seen from B."""

    SAME = "same"
    FASTER = "faster"
    SLOWER = "slower"
    INCONCLUSIVE = "inconclusive"
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Pair:
    """Neighbouring runs of A and B, whichever came first."""

    a: Sample
    b: Sample

    @property
    def is_valid(self) -> bool:
        """Whether both runs count."""
        return self.a.invalid_reason is None and self.b.invalid_reason is None


class Comparison(BaseModel, frozen=True, extra="forbid"):
    """What a comparison found.

    Attributes:
        ratio: Geometric mean of B over A in the metric's own direction; 0.95 of a speed is slower.
        lower: Lower end of the ratio's 95 % confidence interval.
        upper: Upper end of it.
        p_value: Of the paired t test on log ratios.
        permutation_p_value: Of the sign-flip test, which asks for no normal distribution.
        pairs: Valid pairs, the base of all numbers.
        invalid_pairs: Pairs in which a run does not count.

        All of ratio, bounds and p values are None where the comparison is BLOCKED.
    """

    outcome: Outcome
    pairs: int
    invalid_pairs: int
    ratio: float | None = None
    lower: float | None = None
    upper: float | None = None
    p_value: float | None = None
    permutation_p_value: float | None = None


def abba_order(pairs: int) -> tuple[Literal["A", "B"], ...]:
    """Order of runs, ``A B B A A B B A`` and so on.

    An even number of pairs gives both artifacts the same mean position, so a steady drift of the
    device cancels out.

    Raises:
        ValueError: If the number of pairs is odd or below ``MIN_PAIRS``.
    """
    if pairs < MIN_PAIRS or pairs % 2:
        raise ValueError(f"{pairs} pairs cannot be compared; take an even number from {MIN_PAIRS}")
    return ("A", "B", "B", "A") * (pairs // 2)


def compare_pairs(pairs: Sequence[Pair], better: Better) -> Comparison:
    """Hold B against A.

    FASTER or SLOWER if both tests reach p < 0.01 and the ratio is beyond 3 %, p < 0.005 where the
    interval is wider than those 3 % and leaves the decision to p alone; INCONCLUSIVE if
    neither that nor a difference of 5 % can be excluded, 95 % sure; else SAME. BLOCKED with more
    than 30 % invalid pairs or below 8 valid ones.

    Args:
        pairs: In the order of the runs.
        better: Direction of the metric: less of a time is faster.

    Raises:
        ValueError: If a valid value is not positive and finite, which has no ratio.
    """
    valid = [pair for pair in pairs if pair.is_valid]
    invalid = len(pairs) - len(valid)
    if too_many_invalid(invalid, len(pairs)) or len(valid) < MIN_PAIRS:
        return Comparison(outcome=Outcome.BLOCKED, pairs=len(valid), invalid_pairs=invalid)
    logs = log_ratios(valid)
    estimate, half_width = float(logs.mean()), _half_width(logs)
    p_value, permutation_p_value = _t_test_p_value(logs), _sign_flip_p_value(logs)
    certain = max(p_value, permutation_p_value) < _wanted_p_value(half_width)
    differs = certain and is_beyond(estimate, NOISE_FLOOR)
    unclear = is_beyond(abs(estimate) + half_width, DETECTABLE)
    undecided = Outcome.INCONCLUSIVE if unclear else Outcome.SAME
    return Comparison(
        outcome=_direction(estimate, better) if differs else undecided,
        pairs=len(valid),
        invalid_pairs=invalid,
        ratio=math.exp(estimate),
        lower=math.exp(estimate - half_width),
        upper=math.exp(estimate + half_width),
        p_value=p_value,
        permutation_p_value=permutation_p_value,
    )


def cut_short(found: Comparison) -> Comparison:
    """What a comparison is worth that ended before its last pair: BLOCKED, no ratio.

    The rule was chosen for all pairs, and an end that the device chose is no look at random.
    """
    pairs, invalid_pairs = found.pairs, found.invalid_pairs
    return Comparison(outcome=Outcome.BLOCKED, pairs=pairs, invalid_pairs=invalid_pairs)


def log_ratios(pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """Natural logarithm of B over A for each pair.

    Raises:
        ValueError: If a value is not positive and finite.
    """
    values = np.array([(pair.a.value, pair.b.value) for pair in pairs], dtype=np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError("only positive finite values have a ratio")
    logs: NDArray[np.float64] = np.log(values[:, 1] / values[:, 0])
    return logs


def is_beyond(log_ratio: float, share: float) -> bool:
    """Whether a ratio is further from 1 than a share, counted alike in both directions."""
    return abs(log_ratio) > math.log1p(share)


def _wanted_p_value(half_width: float) -> float:
    """Where noise alone carries estimates beyond the floor, 1 % of A/A would differ."""
    return P_VALUE / 2 if is_beyond(half_width, NOISE_FLOOR) else P_VALUE


def _direction(estimate: float, better: Better) -> Outcome:
    return Outcome.FASTER if (estimate > 0) == (better == "higher") else Outcome.SLOWER


def _half_width(logs: NDArray[np.float64]) -> float:
    from scipy import stats  # its import takes longer than everything else at a session's start

    standard_error = float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return float(stats.t.ppf(0.975, len(logs) - 1)) * standard_error


def _t_test_p_value(logs: NDArray[np.float64]) -> float:
    from scipy import stats  # as above

    if np.ptp(logs) == 0:  # Without any scatter t is infinite, or undefined where nothing differs.
        return 1.0 if logs[0] == 0 else 0.0
    return float(stats.ttest_1samp(logs, 0.0).pvalue)


def _sign_flip_p_value(logs: NDArray[np.float64]) -> float:
    """Exact up to 13 pairs, from 9,999 random flips above; seeded, so it repeats."""
    from scipy import stats  # as above

    result = stats.permutation_test(
        (logs,),
        lambda flipped, axis: np.mean(flipped, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=_RESAMPLES,
        rng=np.random.default_rng(_SEED),
    )
    return float(result.pvalue)
