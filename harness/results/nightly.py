"""The nights of every series: what a run says of one metric of one configuration on one device."""

from __future__ import annotations

import pandas as pd

from harness.measure.verdict import Status
from harness.results.final_verdicts import final_frame
from harness.results.query import measured
from harness.results.series import SERIES


def nightly(samples: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """One row per series and run, series by series in the order of the runs.

    A run in which the device was not fit to measure a series has none of it: the few samples that
    came before say more of the device's state than of the artifact.

    Args:
        samples: ``History.samples`` or a part of it.
        verdicts: ``History.verdicts`` of the same runs.

    Returns:
        Columns ``series`` (a number), ``run_id``, those of ``SERIES``, ``unit``, ``virtual``, and
        ``median``, ``low`` and ``high`` of the samples that count.
    """
    counted = _without_blocked(measured(samples), verdicts)
    numbered = counted.assign(
        series=counted.groupby(list(SERIES), dropna=False, sort=False).ngroup()
    )
    grouped = numbered.groupby(["series", "run_id"], sort=True)
    about = grouped[[*SERIES, "unit", "virtual"]].first()
    values = grouped["value"].agg(median="median", low="min", high="max")
    return about.join(values).reset_index()


def _without_blocked(samples: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    keys = ["run_id", *SERIES]
    ended = final_frame(verdicts)
    blocked = ended.loc[ended["status"] == Status.BLOCKED.value, keys].drop_duplicates()
    found = samples.merge(blocked, on=keys, how="left", indicator=True)
    return found[found["_merge"] == "left_only"].drop(columns="_merge")
