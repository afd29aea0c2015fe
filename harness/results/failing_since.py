"""Since when a gate fails: its verdicts of the nights before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from harness.measure.verdict import Status
from harness.results.query import up_to
from harness.results.rows.schema import VerdictRow
from harness.results.series import Series, final_frame


@dataclass(frozen=True)
class FailingSince:
    """How long a gate has failed.

    Attributes:
        since: First of the runs that all failed it up to now.
        runs: How many these are.
        last_passed: Last run before them that passed it; None if none did.
    """

    since: str
    runs: int
    last_passed: str | None

    @property
    def words(self) -> str:
        """``20261118T021503Z-000005, 6 runs`` or ``this run``."""
        if self.runs == 1:
            return "this run" if self.last_passed else "this run, never passed before"
        return f"{self.since}, {self.runs} runs"


def failing_since(
    verdicts: pd.DataFrame, run_id: str, rows: tuple[VerdictRow, ...]
) -> Mapping[VerdictRow, FailingSince]:
    """Since when each failed verdict of a run fails.

    Args:
        verdicts: ``History.verdicts`` with the run and the ones before it.
        run_id: The run; later ones are ignored.
        rows: Its verdicts.
    """
    final = final_frame(up_to(verdicts, run_id)).sort_index()
    by_gate: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for record in final.to_dict("records"):
        key = (record["test_id"], *Series.of_record(record))
        by_gate.setdefault(key, []).append((str(record["run_id"]), str(record["status"])))
    return {
        row: _since(by_gate.get((row.test_id, *Series.of_row(row)), []), run_id)
        for row in rows
        if row.status is Status.FAIL
    }


def _since(nights: list[tuple[str, str]], run_id: str) -> FailingSince:
    failing: list[str] = [run_id]
    earlier = [night for night in nights if night[0] != run_id]
    while earlier and earlier[-1][1] == Status.FAIL.value:
        failing.append(earlier.pop()[0])
    passed = [run for run, status in earlier if status == Status.PASS.value]
    return FailingSince(failing[-1], len(failing), passed[-1] if passed else None)
