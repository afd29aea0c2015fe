"""Gates that cannot make up their minds from night to night, with the quarantine to put them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.measure.gate import Context
from harness.measure.quarantine import propose_quarantine, quarantine_cause, render_quarantine
from harness.results.rows.schema import VerdictRow
from harness.results.run import Run
from harness.results.series import CONFIGURATION, SERIES, Series
from harness.results.verdict_change import Judgements, is_noisy
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
    """Noisy ones that were open twice, or flipped, though nothing is known to have changed."""
    if not past.nights:
        return ()
    return tuple(_unsteady(run, past))


def _unsteady(run: Run, past: Past) -> Iterator[UnsteadyGate]:
    judgements, last = Judgements(past.history), _judged_last(past)
    today = past.nights[past.now].started_at.date()
    for row in run.judged:
        series = Series.of_row(row)
        before = last.get((row.test_id, *series))
        if before is None or row.quarantined or row.model is None or row.target is None:
            continue
        change = judgements.change(before, run.run_id, series)
        if change is None or not is_noisy(row.metric):
            continue
        reason = quarantine_cause(change.before.status, change.now.status, change.held)
        if reason is not None:
            found = propose_quarantine(row.metric, _context(row), reason, owner=OWNER, today=today)
            yield UnsteadyGate(
                anchor=verdict_anchor(row),
                metric=row.metric,
                model=row.model,
                subject=subject_words(row),
                reason=reason,
                row=render_quarantine(found),
            )


def _judged_last(past: Past) -> Mapping[object, str]:
    """The run before this one that judged a gate last, by test and series."""
    verdicts = past.history.verdicts
    earlier = verdicts[verdicts["run_id"].isin([night.run_id for night in past.nights[:-1]])]
    last = earlier.drop_duplicates(["test_id", *SERIES], keep="last")
    return {
        (str(row["test_id"]), *Series.of_record(row)): str(row["run_id"])
        for row in last[["test_id", *SERIES, "run_id"]].to_dict("records")
    }


def _context(row: VerdictRow) -> Context:
    place = {name: getattr(row, name) for name in (*CONFIGURATION, "component")}
    return Context(**{**place, "protocol": row.protocol or "snapgate"})
