"""The nights of every series: what a run says of one metric of one configuration on one device."""

from __future__ import annotations

import pandas as pd

from harness.results.query import SERIES, measured


def nightly(samples: pd.DataFrame) -> pd.DataFrame:
    """One row per series and run, series by series in the order of the runs.

    Args:
        samples: ``History.samples`` or a part of it.

    Returns:
        Columns ``series`` (a number), ``run_id``, those of ``SERIES``, ``unit``, ``virtual``, and
        ``median``, ``low`` and ``high`` of the samples that count.
    """
    counted = measured(samples)
    numbered = counted.assign(
        series=counted.groupby(list(SERIES), dropna=False, sort=False).ngroup()
    )
    grouped = numbered.groupby(["series", "run_id"], sort=True)
    about = grouped[[*SERIES, "unit", "virtual"]].first()
    values = grouped["value"].agg(median="median", low="min", high="max")
    return about.join(values).reset_index()
