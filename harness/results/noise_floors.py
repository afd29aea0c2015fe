"""What devices differ from themselves by, from the comparisons of artifacts with themselves."""

from __future__ import annotations

import pandas as pd

from harness.measure.comparison import Comparison, Outcome
from harness.measure.noise_floor import MIN_COMPARISONS, noise_floor

NOISE_COLUMNS = (
    "device",
    "metric",
    "comparisons",
    "floor",
    "supports_rule",
    "different",
    "different_at_most",
)
"""Columns of ``noise_floors``."""


def noise_floors(comparisons: pd.DataFrame) -> pd.DataFrame:
    """One row per metric and device that was compared with itself (A/A).

    Args:
        comparisons: ``History.comparisons``; those of two artifacts are left out.

    Returns:
        Columns ``NOISE_COLUMNS``: how many comparisons were not blocked, the share within which the
        next one stays (99 % sure; missing below five), whether the 3 % that the rule takes for
        noise are enough, how many were called different and what share of them is still credible.
    """
    alike = comparisons[comparisons["artifact_key"] == comparisons["baseline_key"]]
    groups = alike.groupby(["device", "metric"], dropna=False)
    rows = [(*key, *_floor(group)) for key, group in groups]
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
