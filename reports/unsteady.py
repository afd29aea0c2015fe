"""Gates that cannot make up their minds from night to night, with the quarantine to put them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from harness.measure.gate import Context
from harness.measure.quarantine import GateNight, propose_quarantine, render_quarantine
from harness.measure.verdict import Status
from harness.results.rows.schema import VerdictRow
from harness.results.run import Run
from harness.results.series import CONFIGURATION, SERIES, Series, final_frame
from reports.past import Past
from reports.verdict_table import verdict_anchor
from reports.wording import subject_words

OWNER = "who works on it"
"""Stands in a proposed row until somebody takes it."""


@dataclass(frozen=True)
class UnsteadyGate:
    """One gate that two nights leave in doubt.

    Attributes:
        anchor: Of its verdict.
        metric: What is judged.
        model: Its model.
        subject: Mode, precision, target, SoC.
        reason: What happened.
        row: TOML for ``thresholds/quarantine.toml``.
    """

    anchor: str
    metric: str
    model: str
    subject: str
    reason: str
    row: str


def unsteady_gates(run: Run, past: Past) -> tuple[UnsteadyGate, ...]:
    """Those that were inconclusive two nights running, or flipped with the same artifact."""
    if not past.nights:
        return ()
    return tuple(_unsteady(run, past, _night_before(past)))


def _unsteady(run: Run, past: Past, before: Mapping[object, GateNight]) -> Iterator[UnsteadyGate]:
    for row in run.judged:
        earlier = before.get((row.test_id, *Series.of_row(row)))
        if earlier is None or row.quarantined or row.model is None or row.target is None:
            continue
        nights = (earlier, GateNight(row.status, row.artifact_key or ""))
        today = past.nights[past.now].started_at.date()
        found = propose_quarantine(row.metric, _context(row), nights, owner=OWNER, today=today)
        if found is not None:
            yield UnsteadyGate(
                anchor=verdict_anchor(row),
                metric=row.metric,
                model=row.model,
                subject=subject_words(row),
                reason=found.reason,
                row=render_quarantine(found),
            )


def _night_before(past: Past) -> Mapping[object, GateNight]:
    """How each gate ended when it was judged last before this run, by test and series."""
    verdicts = past.history.verdicts
    earlier = verdicts[verdicts["run_id"].isin([night.run_id for night in past.nights[:-1]])]
    ordered = final_frame(earlier).sort_values("run_id", kind="stable")
    last = ordered.drop_duplicates(["test_id", *SERIES], keep="last")
    return {
        (str(row["test_id"]), *Series.of_record(row)): GateNight(
            Status(row["status"]), "" if pd.isna(row["artifact_key"]) else row["artifact_key"]
        )
        for row in last[["test_id", *SERIES, "status", "artifact_key"]].to_dict("records")
    }


def _context(row: VerdictRow) -> Context:
    place = {name: getattr(row, name) for name in (*CONFIGURATION, "component")}
    return Context(**{**place, "protocol": row.protocol or "snapgate"})
