"""What devices differ from themselves by: the floor below which a difference means nothing.

Fed with comparisons of an artifact with itself on one device (A/A), monthly (statistics §2.5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.measure.comparison import NOISE_FLOOR, Comparison, Outcome
from harness.results.series import SERIES

MIN_COMPARISONS = 5
"""Fewer A/A comparisons say too little about how far the next one may stray."""

CONFIDENCE = 0.99
"""Share of A/A comparisons that stay within the floor."""


@dataclass(frozen=True)
class NoiseFloor:
    """What A/A comparisons tell of a device.

    Attributes:
        share: The next comparison of an artifact with itself stays within this, 99 % sure.
        comparisons: How many it rests on; blocked ones do not count.
        different: How many were called faster or slower, though nothing differed.
        different_upper: Share of such calls that is still credible, 95 % sure (Clopper, Pearson).
    """

    share: float
    comparisons: int
    different: int
    different_upper: float

    @property
    def supports_rule(self) -> bool:
        """Whether the 3 % that comparisons take for noise are enough for this device."""
        return self.share <= NOISE_FLOOR


def noise_floor(comparisons: Sequence[Comparison]) -> NoiseFloor | None:
    """Estimate the floor from A/A comparisons of one device.

    Their true log ratio is 0, so each is a deviation; a t interval predicts the next one.

    Args:
        comparisons: Of artifacts with themselves.

    Returns:
        None below five comparisons that were not blocked.
    """
    counted = [one for one in comparisons if one.ratio is not None]
    if len(counted) < MIN_COMPARISONS:
        return None
    from scipy import stats  # its import takes longer than everything else at a session's start

    deviations = np.log([one.ratio for one in counted if one.ratio is not None])
    spread = math.sqrt(float(np.square(deviations).mean()))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(deviations))) * spread
    different = sum(one.outcome in (Outcome.FASTER, Outcome.SLOWER) for one in counted)
    interval = stats.binomtest(different, len(counted), alternative="less").proportion_ci(0.95)
    return NoiseFloor(math.expm1(reach), len(counted), different, float(interval.high))


_OTHERS = tuple(name for name in SERIES if name not in ("device", "metric"))

NOISE_COLUMNS = (
    "device",
    "metric",
    "comparisons",
    "floor",
    "supports_rule",
    "different",
    "different_at_most",
    *_OTHERS,
)
"""Columns of ``noise_floors``."""


def noise_floors(comparisons: pd.DataFrame) -> pd.DataFrame:
    """One row per series that was compared with itself (A/A).

    A large model's runs scatter less than a miniature's, so they are not pooled.

    Args:
        comparisons: ``History.comparisons``; those of two artifacts are left out.

    Returns:
        Columns ``NOISE_COLUMNS``: how many comparisons were not blocked, the share within which the
        next one stays (99 % sure; missing below five), whether the 3 % that the rule takes for
        noise are enough, how many were called different and what share of them is still credible.
    """
    alike = comparisons[comparisons["artifact_key"] == comparisons["baseline_key"]]
    groups = alike.groupby(["device", "metric", *_OTHERS], dropna=False)
    rows = [(*key[:2], *_floor(group), *key[2:]) for key, group in groups]
    return pd.DataFrame(rows, columns=list(NOISE_COLUMNS)).astype(
        {"floor": "Float64", "supports_rule": "boolean", "different_at_most": "Float64"}
    )


def advice(floors: pd.DataFrame) -> str:
    """What to type where too little is known to tell a floor."""
    if not floors.empty and floors["floor"].notna().all():
        return ""
    return (
        f"A floor needs {MIN_COMPARISONS} comparisons of an artifact with itself on a device; make "
        "one with: pytest -m perf --compare KEY KEY"
    )


def _floor(rows: pd.DataFrame) -> tuple[object, ...]:
    compared = [
        Comparison(outcome=Outcome(outcome), pairs=pairs, invalid_pairs=0, ratio=_known(ratio))
        for outcome, pairs, ratio in zip(
            rows["outcome"], rows["n_pairs"], rows["ratio"], strict=True
        )
    ]
    counted = sum(one.ratio is not None for one in compared)
    floor = noise_floor(compared)
    if floor is None:
        return counted, None, None, None, None
    return counted, floor.share, floor.supports_rule, floor.different, floor.different_upper


def _known(value: object) -> float | None:
    return value if isinstance(value, float) else None
