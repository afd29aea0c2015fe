"""A run in Markdown, for the page that a CI system shows of a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.measure.verdict import Status
from harness.measure.wording import bound, number, plural
from harness.results.rows.schema import ComparisonRow, QuarantineRow, VerdictRow
from harness.results.run import Run
from harness.results.series import Series
from harness.results.stand_in import banners, stand_in_of
from harness.results.trend_alerts import TrendAlert

ENDINGS = {
    0: "green",
    1: "red",
    2: "interrupted or misused",
    10: "inconclusive",
    11: "without a gate for something",
    12: "blocked: a device was not fit to measure",
    13: "green, but a trend turned to the worse",
}
"""What an exit status means (design §9)."""

_MAX_ROWS = 50


def job_summary(run: Path, alerts: Sequence[TrendAlert]) -> str:
    """What a reader of the job's page must see; all else is in the report.

    Args:
        run: The run's folder.
        alerts: Trends that the run turned.

    Raises:
        UserError: If it is not a run or a row is damaged.
    """
    return "\n".join(_lines(Run.read(run), alerts)) + "\n"


def _lines(run: Run, alerts: Sequence[TrendAlert]) -> Iterator[str]:
    status = run.exit_status
    ended = "did not finish"
    if status is not None:
        ended = ENDINGS.get(status, f"ended with exit status {status}")
    yield f"## Run `{run.run_id}`: {ended}\n"
    counts = Counter(row.status.value for row in run.judged)
    told = ", ".join(f"{counts[status.value]} {status.value}" for status in Status)
    yield f"{plural(len(run.judged), 'verdict')}: {told}.\n"
    yield from (f"> {banner}\n" for banner in banners(run))
    for quarantine in run.quarantine:
        yield f"- {_quarantine(quarantine)}"
    yield from (f"- **Trend**: {alert.sentence}" for alert in alerts)
    yield from _failures(run)
    yield from _verdict_table(run, [row for row in run.judged if row.status is not Status.PASS])
    yield from _comparison_table(run.compared)


def _quarantine(row: QuarantineRow) -> str:
    word = "**Quarantine is over**" if row.expired else "Quarantine"
    where = f" ({row.where})" if row.where else ""
    who = f"{row.owner} until {row.expires}: {row.reason}"
    return f"{word}: {row.metric} of {row.model}{where}, {who}"


def _failures(run: Run) -> Iterator[str]:
    """Tests that broke before anything could be judged."""
    for row in run.failures:
        if row.status is None:
            told = (row.message.strip().splitlines() or ["no message"])[-1]
            yield f"- **{row.outcome}** `{row.test_id}`: {told}"


def _verdict_table(run: Run, rows: Sequence[VerdictRow]) -> Iterator[str]:
    if not rows:
        return
    yield "\n| verdict | metric | of | median | gate | evidence |\n|---|---|---|---:|---|---|"
    for row in rows[:_MAX_ROWS]:
        status = f"{row.status.value} (quarantined)" if row.quarantined else row.status.value
        median = "" if row.median is None else f"{number(row.median)} {row.unit}"
        if computer := stand_in_of(row, run):
            median += f" ({computer})"
        yield _table_row(
            status,
            row.metric,
            Series.of_row(row).place,
            median,
            bound(row.gate_min, row.gate_max),
            row.sentence.partition("\n")[0],
        )
    if len(rows) > _MAX_ROWS:
        yield f"\nand {len(rows) - _MAX_ROWS} more, see the report."


def _comparison_table(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    if not rows:
        return
    yield "\n| comparison | metric | evidence |\n|---|---|---|"
    for row in rows[:_MAX_ROWS]:
        outcome = f"{row.outcome} (quarantined)" if row.quarantined else row.outcome
        yield _table_row(outcome, row.metric, row.sentence)


def _table_row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
