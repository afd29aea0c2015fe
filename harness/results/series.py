"""What a number is of: the fields by which numbers of several nights belong together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

import pandas as pd

from harness.results.rows.schema import ComparisonRow, SampleRow, VerdictRow

MeasuredRow = SampleRow | VerdictRow | ComparisonRow


class Series(NamedTuple):
    """One metric of one configuration on one device; None where a field does not arise.

    Two devices never share one: they differ more than what is looked for.
    """

    model: str | None
    metric: str
    component: str | None = None
    target: str | None = None
    soc: str | None = None
    device: str | None = None
    mode: str | None = None
    precision: str | None = None
    protocol: str | None = None
    workload: str | None = None

    @classmethod
    def of_row(cls, row: MeasuredRow) -> Series:
        """Of a row as it was written."""
        return cls._make(getattr(row, name) for name in SERIES)

    @classmethod
    def of_record(cls, record: Mapping[str, object]) -> Series:
        """Of a row of a frame, whose missing values are NA."""
        values = (record[name] for name in SERIES)
        return cls._make(None if pd.isna(value) else str(value) for value in values)

    @property
    def place(self) -> str:
        """Where it was measured, in words: everything but metric, protocol and workload."""
        of = (self.model, self.component, self.precision, self.mode)
        return " ".join(word for word in (*of, self.target, self.soc, self.device) if word)


SERIES = Series._fields
"""Names of the fields, which are columns of ``History.samples`` and ``History.verdicts``."""

CONFIGURATION = ("model", "target", "soc", "mode", "precision", "protocol", "workload")
"""What of a series rows, their subjects and a ``Context`` have alike."""

MEASURED_BY = (*SERIES, "artifact_key")
"""What a verdict and the samples behind it share, whichever test took them.

One process of the runner yields samples of several metrics, which several tests judge.
"""

JUDGED_BY = ("test_id", *MEASURED_BY)
"""What a first verdict shares with the one that replaces it, within a run."""


def measured_by(row: MeasuredRow) -> tuple[object, ...]:
    """Values of ``MEASURED_BY``."""
    return tuple(getattr(row, name) for name in MEASURED_BY)


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
