"""``python -m harness results``, ``compare``, ``noise``, ``summary``: the store on the terminal."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from harness.commands.compare import comparison_lines
from harness.commands.filter_words import absent, no_such_row, refuse_unknown
from harness.commands.terminal_table import table_lines, terminal_width
from harness.display import for_programs, own
from harness.errors import UserError, suggest
from harness.measure.wording import plural
from harness.options.groups.terminal import FILTERS
from harness.options.values import Values
from harness.results.annotations import is_github, run_page, step_annotations
from harness.results.history import History, load_history
from harness.results.job_summary import job_summary
from harness.results.noise_floors import advice, noise_floors
from harness.results.query import SUMMARY, check_columns, measured, select, summarize, unpooled
from harness.results.run import Run
from harness.results.run_comparison import compare_runs
from harness.results.runs import find_run, started_at
from harness.results.series import SERIES
from harness.results.spreadsheet import write_frame
from harness.results.stored_run import run_of
from harness.results.tables import TABLES, columns
from harness.results.trend_alerts import TREND_SPAN, find_trend_alerts
from harness.results.verdict_change import Judgements

_MEASURED = ("run_id", "device", "model", "mode")
_VARIANT = ("precision", "component")
_SHOWN = {
    "samples": (*_MEASURED, *_VARIANT, "metric", "value", "unit"),
    "verdicts": (*_MEASURED, *_VARIANT, "metric", "median", "unit", "status"),
    "comparisons": (*_MEASURED, *_VARIANT, "metric", "ratio", "lower", "upper", "outcome"),
    "answers": (*_MEASURED, "precision", "variant", "given", "correct", "expected", "question"),
    "outcomes": ("run_id", "outcome", "status", "test_id", "message"),
    "runs": ("run_id", "started_at", "ended_at", "exit_status", "git_commit", "torn"),
}
"""Columns on the terminal where nobody chose others; a CSV file has all."""

_HEADINGS = ("run_id", *SERIES)
"""Columns that may stand above the rows that share them, where a table is too wide."""

_RUNS = "runs"


def run_results(options: Values) -> int:
    """Show verdicts, samples or other rows of all runs; --group-by gives medians of samples."""
    table = options["table"]
    if table not in (_RUNS, *TABLES):
        raise UserError(f"There is no --table {table}; {suggest(table, (_RUNS, *TABLES))}.")
    if options["columns"]:
        _explain(table)
        return 0
    grouped, shown = _names("--group-by", options["group_by"]), _names("--show", options["show"])
    conditions = [_condition(text) for text in options["where"] or ()]
    table = "samples" if grouped else table
    limit = None if options["show_all"] else options["limit"]
    if limit is not None and limit < 1:
        raise UserError(f"--limit {limit} would show no rows; give 1 or more, or --all.")
    history = _load(options["results"], _day(options["runs_since"]), table, options["provenance"])
    frame: pd.DataFrame = getattr(history, table)
    wanted = _wanted(options, conditions)
    if options["provenance"] and table != _RUNS:
        frame = history.provenance(frame)
    every, frame = frame, select(frame, wanted)
    if frame.empty:
        refuse_unknown(every, wanted, table)
    if frame.empty and not every.empty and not options["csv"]:
        print(_why_empty(every, wanted, table))
        return 0
    if grouped:
        frame = _grouped(frame, grouped, () if options["csv"] else ("unit",))
    if shown:
        check_columns(frame, shown)
        frame = frame[shown]
    elif not options["csv"] and not grouped:
        frame = frame[list(_SHOWN.get(table, frame.columns))]
    if options["csv"]:
        _write_csv(frame, options["csv"])
    else:
        print_table(frame, limit, headings=_headings(frame) if grouped else _HEADINGS)
    return 0


def _headings(groups: pd.DataFrame) -> list[str]:
    """What makes the groups, so that their medians keep their room."""
    return [str(name) for name in groups if name not in SUMMARY]


def _grouped(samples: pd.DataFrame, by: Sequence[str], also: Sequence[str]) -> pd.DataFrame:
    """Medians of what counts, of each thing by itself, and what was done to that end.

    Args:
        samples: All that were asked for.
        by: Columns that make a group.
        also: Columns to tell, of which a group has one value.
    """
    counted = measured(samples)
    if len(counted) < len(samples):
        left_out = plural(len(samples) - len(counted), "sample")
        print(
            f"{left_out} left out: invalid, of a comparison, or measured again from cold since.",
            file=sys.stderr,
        )
    if added := unpooled(counted, by):
        print(
            f"also grouped by {', '.join(added)}, of which several are never pooled.",
            file=sys.stderr,
        )
    return summarize(counted, list(dict.fromkeys([*by, *added, *also])))


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UserError(f"--since {text!r} is no day such as 2026-11-23.") from error


def _names(flag: str, text: str | None) -> list[str]:
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    if text is not None and not names:
        raise UserError(f"{flag} {text!r} names no column; list them with --columns.")
    return names


def _condition(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise UserError(f"--where {text!r} is not COLUMN=VALUE.")
    return name, value


def _wanted(options: Values, conditions: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    wanted = {name: list(options[f"only_{name}"] or ()) for name in FILTERS}
    for name, value in conditions:
        wanted.setdefault(name, []).append(value)
    wanted["run_id"] = [_run_id(options["results"], name) for name in wanted["run_id"]]
    return {name: values for name, values in wanted.items() if values}


def _run_id(results: Path, name: str) -> str:
    return run_of(find_run(results, name)).run_id


def _why_empty(frame: pd.DataFrame, wanted: Mapping[str, Sequence[str]], table: str) -> str:
    for name, value in absent(frame, wanted):
        return no_such_row(frame, name, value, table)
    return f"No row of {table} has all of that at once; leave a filter out."


def run_noise(options: Values) -> int:
    """Tell the noise floor of each device from comparisons of artifacts with themselves (A/A)."""
    floors = noise_floors(_load(options["results"], None, "comparisons", False).comparisons)
    if options["csv"]:
        _write_csv(floors, options["csv"])
        return 0
    print_table(floors[[*SERIES, *floors.columns.difference(SERIES, sort=False)]], None)
    if missing := advice(floors):
        print(textwrap.fill(missing, terminal_width(), break_on_hyphens=False))
    return 0


def run_summary(options: Values) -> int:
    """Print what a reader of a CI job's page must see: what is not green, and trends."""
    run = find_run(options["results"], options["summarized_run"])
    run_id = run_of(run).run_id
    since = started_at(run_id) - TREND_SPAN
    tables = {"samples", "verdicts", "comparisons", "outcomes", "sessions", "devices"}
    history = load_history(run.absolute().parent, since, tables)
    alerts = find_trend_alerts(history.samples, history.verdicts, run_id)
    report = options["report_url"] or run_page(os.environ)
    print(job_summary(run, alerts, history, report), end="", file=for_programs(sys.stdout))
    if is_github(os.environ):
        # Standard output is the job's page.
        for line in step_annotations(Run.read(run), alerts):
            print(line, file=own(sys.stderr))
    return 0


def _load(results: Path, since: datetime | None, table: str, provenance: bool) -> History:
    needed = {table, "sessions", "devices", "device_states"} if provenance else {table}
    history = load_history(results, since, needed)
    for sentence in history.unreadable:
        print(f"left out: {sentence}", file=sys.stderr)
    for sentence in history.ignored:
        print(f"copies: {sentence}", file=sys.stderr)
    if history.runs.empty:
        raise UserError(
            f"{results} holds no such runs; make one with `pytest -m accuracy`, or name another "
            "folder with --results."
        )
    return history


def _explain(table: str) -> None:
    if table == _RUNS:
        print(History.__doc__)
        return
    for column in columns(table):
        kind = "JSON text" if column.is_json else column.dtype
        print(f"{column.name}\n    {kind}: {column.description}")


def _write_csv(frame: pd.DataFrame, csv: str) -> None:
    if csv == "-":
        write_frame(frame, for_programs(sys.stdout))
        return
    try:
        with Path(csv).open("w", encoding="utf-8", newline="") as file:
            write_frame(frame, file)
    except OSError as error:
        raise UserError(f"{csv} cannot be written ({error.strerror}); name another.") from error


def run_compare(options: Values) -> int:
    """Lay two runs side by side: medians, verdicts, and in what else the runs differ."""
    named = options["first_run"], options["second_run"]
    runs = [find_run(options["results"], name) for name in named]
    folders = {run.absolute().parent.resolve() for run in runs}
    if len(folders) > 1:
        raise UserError(
            f"{runs[0]} and {runs[1]} are in different folders; copy one beside the other, which "
            "merges them."
        )
    history = load_history(folders.pop())
    names = [run_of(run).run_id for run in runs]
    for sentence in history.unreadable:
        if any(name in sentence for name in names):
            raise UserError(sentence)
    for sentence in history.ignored:
        print(f"copies: {sentence}", file=sys.stderr)
    comparison = compare_runs(history, *names)
    if options["csv"]:
        _write_csv(comparison.rows, options["csv"])
        return 0
    width = terminal_width()
    lines = comparison_lines(
        comparison,
        names,
        width,
        show_all=bool(options["show_all"]),
        gate_causes=Judgements(history).gate_causes(*names),
    )
    for line in lines:
        print(line)
    return 0


def print_table(
    frame: pd.DataFrame, limit: int | None, headings: Sequence[str] = _HEADINGS
) -> None:
    """Print rows as a table that fits the terminal.

    Args:
        frame: The rows.
        limit: How many of them, the last ones; None for all, with all of their columns.
        headings: Columns that may become headings.
    """
    for line in table_lines(frame, terminal_width(), limit, headings):
        print(line)
