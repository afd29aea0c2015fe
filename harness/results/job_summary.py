"""A run in Markdown, for the page that a CI system shows of a job."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.measure.exit_status import ENDINGS
from harness.measure.gate import gate_margin
from harness.measure.verdict import Status
from harness.measure.wording import bound, figure, plural
from harness.results.allowed import find_allowed
from harness.results.failing_since import FailingSince, failing_since
from harness.results.history import History
from harness.results.journal_copies import ignored_sentences
from harness.results.markdown import code, folded, link, table_row, text, within
from harness.results.rows.schema import AnswerRow, ComparisonRow, QuarantineRow, VerdictRow
from harness.results.run import Run
from harness.results.run_comparison import find_differences
from harness.results.series import Series
from harness.results.stand_in import banners, stand_in_of
from harness.results.trend_alerts import TrendAlert
from harness.results.verdict_change import Judgements

LIMIT_BYTES = 1_000_000
"""GitHub drops a step's summary of more than 1 MiB."""

_MAX_ROWS = 50
_MAX_SHOWN = 8


def job_summary(
    run: Path,
    alerts: Sequence[TrendAlert],
    history: History | None = None,
    report: str | None = None,
) -> str:
    """What a reader of the job's page must see; all else is in the report.

    Args:
        run: The run's folder.
        alerts: Trends that the run turned.
        history: With verdicts, comparisons, outcomes, sessions and devices of this run and the
            ones before it, to say since when a gate fails, what has changed since, and what
            ``--allow`` let through; None to leave that out.
        report: Address of the report or of the artifacts that it is among; None if there is none.

    Raises:
        UserError: If it is not a run or a row is damaged.
    """
    lines = list(_lines(Run.read(run), alerts, history, report))
    return within(lines, LIMIT_BYTES, "The rest is cut off here; see the report.")


def _lines(
    run: Run, alerts: Sequence[TrendAlert], history: History | None, report: str | None
) -> Iterator[str]:
    status = run.exit_status
    ended = "did not finish"
    if status is not None:
        ended = ENDINGS.get(status, f"ended with exit status {status}")
    allowed = () if history is None else find_allowed(history).get(run.run_id, ())
    if status == 0 and allowed:
        ended += f" only by --allow {','.join(allowed)}"
    yield f"## Run {code(run.run_id)}: {ended}\n"
    if run.unfinished is not None:
        yield f"{run.unfinished}\n"
    yield from (f"- {text(sentence)}" for sentence in run.cut_short)
    yield f"{_counted(run)}\n"
    if report:
        yield f"{link('Report and results', report)}\n"
    yield from (f"> {text(banner)}\n" for banner in banners(run))
    for sentence in ignored_sentences(run.copies, run.disagreements):
        yield f"> {text(sentence)}\n"
    if rerun := [row for row in run.outcomes if row.reruns]:
        names = ", ".join(f"{code(row.test_id)} ({row.reruns})" for row in rerun[:_MAX_ROWS])
        yield f"- Rerun by a plugin: {names}; they count as they ended last."
    for quarantine in run.quarantine[:_MAX_ROWS]:
        yield f"- {_quarantine(quarantine)}"
    yield from (f"- **Trend**: {text(alert.sentence, 1000)}" for alert in alerts[:_MAX_ROWS])
    yield from _failures(run)
    since: Mapping[VerdictRow, FailingSince] = {}
    if history is not None:
        since = failing_since(history.verdicts, run.run_id, run.judged)
    yield from _verdict_table(run, since)
    if history is not None:
        yield from _changes(run, history, since)
    yield from _comparison_table(run.compared)
    yield from _wrong_answers(run)


def _counted(run: Run) -> str:
    """What was judged against a gate, and apart from it what was only shown valid."""
    counts = Counter(row.status.value for row in run.judged if not row.is_valid_alone)
    told = ", ".join(f"{counts[status.value]} {status.value}" for status in Status)
    valid = sum(row.is_valid_alone for row in run.judged)
    also = f" Without a gate: {plural(valid, 'figure')} only shown valid." if valid else ""
    return f"{plural(counts.total(), 'verdict')}: {told}.{also}"


def _quarantine(row: QuarantineRow) -> str:
    word = "**Quarantine is over**" if row.expired else "Quarantine"
    where = f" ({row.where})" if row.where else ""
    who = f"{row.owner} until {row.expires}: {row.reason}"
    return f"{word}: {text(f'{row.metric} of {row.model}{where}, {who}')}"


def _failures(run: Run) -> Iterator[str]:
    """Tests that broke before anything could be judged."""
    broken = [row for row in run.failures if row.status is None]
    for row in broken[:_MAX_ROWS]:
        told = (row.message.strip().splitlines() or ["no message"])[-1]
        yield f"- **{row.outcome}** {code(row.test_id)}: {text(told)}"
    if len(broken) > _MAX_ROWS:
        yield f"- and {len(broken) - _MAX_ROWS} more, see the report."


def _verdict_table(run: Run, since: Mapping[VerdictRow, FailingSince]) -> Iterator[str]:
    """What is not green: numbers in the table, and the evidence folded below it."""
    rows = [row for row in run.judged if row.status is not Status.PASS]
    if not rows:
        return
    yield "\n| verdict | metric | of | measured | gate | margin | since |"
    yield "|---|---|---|---:|---|---:|---|"
    for row in rows[:_MAX_ROWS]:
        status = f"{row.status.value} (quarantined)" if row.quarantined else row.status.value
        failing = since.get(row)
        yield table_row(
            status,
            text(row.metric),
            text(Series.of_row(row).place),
            text(_measured(row, run)),
            text(bound(row.gate_min, row.gate_max, row.unit, row.median)),
            _margin(row),
            text(failing.words) if failing else "",
        )
    if len(rows) > _MAX_ROWS:
        yield f"\nand {len(rows) - _MAX_ROWS} more, see the report."
    evidence = [f"- {text(row.sentence.partition(chr(10))[0], 1000)}" for row in rows[:_MAX_ROWS]]
    yield from folded("Evidence", evidence)


def _measured(row: VerdictRow, run: Run) -> str:
    value = math.nan if row.median is None else row.median
    median = "" if math.isnan(value) else " ".join(figure(value, row.unit))
    computer = stand_in_of(row, run)
    return f"{median} ({computer})" if computer else median


def _margin(row: VerdictRow) -> str:
    margin = gate_margin(row.median, row.gate_min, row.gate_max)
    return "" if margin is None else f"{100 * margin:+.1f} %"


def _changes(run: Run, history: History, since: Mapping[VerdictRow, FailingSince]) -> Iterator[str]:
    """What is different from the last run that passed what fails now."""
    passed = [failing.last_passed for failing in since.values() if failing.last_passed]
    if not passed:
        return
    [(before, gates)] = Counter(passed).most_common(1)
    found = find_differences(history, before, run.run_id)
    told = [
        f"- {one.group} {text(one.name)}: {text(one.before or 'not set')} → "
        f"{text(one.after or 'not set')}"
        for one in found
    ]
    causes = Judgements(history).gate_causes(before, run.run_id)
    told = [*(f"- **gate alone** {text(cause, 1000)}" for cause in causes), *told]
    passing = f"which passed {gates} of the gates that fail now" if gates > 1 else "which passed"
    yield f"\n**What changed** since run {code(before)}, {passing}:\n"
    yield from told[:_MAX_SHOWN] or [
        "- nothing that is recorded: commit, packages, options, device"
    ]
    yield from folded(f"{len(told) - _MAX_SHOWN} more differences", told[_MAX_SHOWN:])


def _comparison_table(rows: Sequence[ComparisonRow]) -> Iterator[str]:
    if not rows:
        return
    yield "\n| comparison | metric | evidence |\n|---|---|---|"
    for row in rows[:_MAX_ROWS]:
        outcome = f"{row.outcome} (quarantined)" if row.quarantined else row.outcome
        yield table_row(outcome, text(row.metric), text(row.sentence))
    if len(rows) > _MAX_ROWS:
        yield f"\nand {len(rows) - _MAX_ROWS} more, see the report."


def _wrong_answers(run: Run) -> Iterator[str]:
    """Folded: one look at them tells more than any number, but nobody wants them first."""
    wrong = [row for row in run.answers if row.variant == "real" and not row.correct]
    rows = [_answer(row) for row in wrong[:_MAX_ROWS]]
    head = ["| question | expected | given | of |", "|---|---|---|---|"]
    more = [f"\nand {len(wrong) - _MAX_ROWS} more, see the report."]
    lines = [*head, *rows, *(more if len(wrong) > _MAX_ROWS else [])] if rows else []
    yield from folded(plural(len(wrong), "wrong answer"), lines)


def _answer(row: AnswerRow) -> str:
    place = " ".join(word for word in (row.model, row.mode, row.precision, row.device) if word)
    asked = row.question.replace("<image>", "")
    return table_row(text(asked), text(row.expected), text(row.given), text(place))
