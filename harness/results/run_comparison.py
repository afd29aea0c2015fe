"""Two runs side by side: what got better or worse, and what else is different between them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from harness.measure.metrics import METRICS
from harness.results.final_verdicts import final_frame
from harness.results.history import History
from harness.results.query import measured, summarize
from harness.results.run_differences import Difference, find_differences
from harness.results.series import SERIES

COMPARED = (
    *SERIES,
    "unit",
    "median_1",
    "median_2",
    "change",
    "bounds_overlap",
    "status_1",
    "status_2",
    "better",
)
"""Columns of ``RunComparison.rows``."""


@dataclass(frozen=True)
class RunComparison:
    """What two runs measured, side by side.

    They were measured at different times, so a difference between medians may be the device's and
    not the artifact's: ``pytest -m perf --compare`` measures two artifacts in turn and decides.

    Attributes:
        rows: One row per series that both runs or one of them measured, columns ``COMPARED``.
            ``change`` is the second median over the first, minus 1. ``bounds_overlap`` says
            whether the 95 % bounds of the medians overlap; missing where a run has no bounds.
            ``better`` says whether the change is an improvement; missing where nothing changed.
        differences: In commit, versions, options, machine, devices, gates and artifacts.
    """

    rows: pd.DataFrame
    differences: tuple[Difference, ...]


def compare_runs(history: History, first: str, second: str) -> RunComparison:
    """Lay two runs side by side.

    Args:
        history: With both runs in it.
        first: Name of a run.
        second: Name of the run to compare it with.
    """
    sides = [_side(history, run_id, number) for number, run_id in enumerate((first, second), 1)]
    rows = sides[0].merge(sides[1], on=list(SERIES), how="outer")
    rows["unit"] = rows["unit_1"].fillna(rows["unit_2"])
    rows["change"] = rows["median_2"] / rows["median_1"] - 1
    rows["bounds_overlap"] = (rows["lower_1"] <= rows["upper_2"]) & (
        rows["lower_2"] <= rows["upper_1"]
    )
    higher = rows["metric"].map(lambda name: _is_higher_better(str(name))).astype("boolean")
    rows["better"] = ((rows["change"] > 0) == higher).mask(
        rows["change"].isna() | (rows["change"] == 0)
    )
    return RunComparison(rows[list(COMPARED)], find_differences(history, first, second))


def _is_higher_better(metric: str) -> bool | None:
    known = METRICS.get(metric)
    return None if known is None else known.better == "higher"


def _side(history: History, run_id: str, number: int) -> pd.DataFrame:
    samples = measured(history.samples[history.samples["run_id"] == run_id])
    medians = summarize(samples, [*SERIES, "unit"])[[*SERIES, "unit", "median", "lower", "upper"]]
    verdicts = final_frame(history.verdicts[history.verdicts["run_id"] == run_id])
    statuses = verdicts.drop_duplicates(list(SERIES), keep="last")
    side = medians.merge(statuses[[*SERIES, "status"]], on=list(SERIES), how="left")
    own = {name: f"{name}_{number}" for name in side.columns if name not in SERIES}
    return side.rename(columns=own)
