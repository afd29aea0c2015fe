"""The verdicts that count: of what was measured again from cold, the last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import pandas as pd

from harness.results.rows.schema import ComparisonRow, VerdictRow
from harness.results.series import JUDGED_BY

JudgedRow = TypeVar("JudgedRow", VerdictRow, ComparisonRow)


def final_rows(rows: Iterable[JudgedRow]) -> tuple[JudgedRow, ...]:
    """Verdicts or comparisons of one run without those that were measured again from cold.

    Args:
        rows: In the order of their writing, first ones with those that replaced them.
    """
    last: dict[tuple[object, ...], JudgedRow] = {}
    for row in sorted(rows, key=lambda row: row.cold_session):
        last[tuple(getattr(row, name) for name in JUDGED_BY)] = row
    return tuple(last.values())


def final_frame(judged: pd.DataFrame) -> pd.DataFrame:
    """The same for ``History.verdicts`` or ``History.comparisons``, run by run."""
    ordered = judged.sort_values("cold_session", kind="stable")
    return ordered.drop_duplicates(["run_id", *JUDGED_BY], keep="last")
