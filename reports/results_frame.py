"""``results.csv`` as a pandas frame."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reports.results_csv import COLUMNS


def read_results(path: Path) -> pd.DataFrame:
    """Read ``results.csv`` with the dtypes of ``COLUMNS``; an empty cell is a missing value.

    Plain ``pandas.read_csv`` would take an answer ``None`` for a missing one and a column of
    answers ``3``, ``5`` for numbers.
    """
    dtypes = {name: dtype for name, dtype in COLUMNS.items() if not dtype.startswith("datetime")}
    frame = pd.read_csv(path, dtype=dtypes, keep_default_na=False, na_values=[""])
    return frame.assign(at=pd.to_datetime(frame["at"], format="ISO8601", utc=True))
