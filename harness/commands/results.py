"""``python -m harness results``, ``compare``, ``noise``, ``summary``: the store on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.errors import UserError, suggest
from harness.measure.wording import number
from harness.options.command_line import command_line
from harness.options.table import FILTERS
from harness.options.values import Values
from harness.results.history import History, load_history
from harness.results.job_summary import job_summary
from harness.results.noise_floors import advice, noise_floors
from harness.results.query import check_columns, measured, select, summarize
from harness.results.run_comparison import RunComparison, compare_runs
from harness.results.runs import find_run, started_at
from harness.results.stored_run import run_of
from harness.results.tables import TABLES, columns
from harness.results.trend_alerts import TREND_SPAN, find_trend_alerts

_SHOWN = {
    "samples": ("run_id", "device", "model", "mode", "precision", "metric", "value", "unit"),
    "verdicts": ("run_id", "device", "model", "mode", "metric", "median", "unit", "status"),
    "runs": ("run_id", "started_at", "ended_at", "exit_status", "git_commit", "torn"),
}
"""Columns on the terminal where nobody chose others; a CSV file has all."""

_RUNS = "runs"


def run_results(options: Values) -> int:
    """Show verdicts, samples or other rows of all runs; --group-by gives medians of samples."""
    table = options["table"]
    if table not in (_RUNS, *TABLES):
        raise UserError(f"There is no --table {table}; {suggest(table, (_RUNS, *TABLES))}.")
    if options["columns"]:
        _explain(table)
        return 0
    grouped, shown = _names(options["group_by"]), _names(options["show"])
    conditions = [_condition(text) for text in options["where"] or ()]
    table = "samples" if grouped else table
    history = _load(options["results"], _day(options["runs_since"]), table, options["provenance"])
    frame: pd.DataFrame = getattr(history, table)
    wanted = _wanted(options, conditions)
    if options["provenance"] and table != _RUNS:
        frame = history.provenance(frame)
    every, frame = frame, select(frame, wanted)
    if frame.empty and not every.empty and not options["csv"]:
        print(_why_empty(every, wanted, table))
        return 0
    if grouped:
        frame = summarize(measured(frame), grouped)
    if shown:
        check_columns(frame, shown)
        frame = frame[shown]
    elif not options["csv"] and not grouped:
        frame = frame[list(_SHOWN.get(table, frame.columns))]
    write_rows(frame, options["csv"], options["limit"])
    return 0


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UserError(f"--since {text!r} is no day such as 2026-11-23.") from error


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


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
    for name, values in wanted.items():
        for value in values:
            if select(frame, {name: [value]}).empty:
                known = frame[name].dropna().astype(str).unique()
                return f"No row of {table} has {name} {value!r}; {suggest(value, known)}."
    return f"No row of {table} has all of that at once; leave a filter out."


def run_noise(options: Values) -> int:
    """Tell the noise floor of each device from comparisons of artifacts with themselves (A/A)."""
    floors = noise_floors(_load(options["results"], None, "comparisons", False).comparisons)
    write_rows(floors, options["csv"], max(len(floors), 1))
    if not options["csv"] and (missing := advice(floors)):
        print(missing)
    return 0


def run_summary(options: Values) -> int:
    """Print what a reader of a CI job's page must see: what is not green, and trends."""
    run = find_run(options["results"], options["summarized_run"])
    run_id = run_of(run).run_id
    since = started_at(run_id) - TREND_SPAN
    history = load_history(run.resolve().parent, since, {"samples", "verdicts"})
    alerts = find_trend_alerts(history.samples, history.verdicts, run_id)
    print(job_summary(run, alerts), end="")
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


def write_rows(frame: pd.DataFrame, csv: str | None, limit: int) -> None:
    if not csv:
        print_table(frame, limit)
        return
    if csv == "-":
        frame.to_csv(sys.stdout, index=False)
        return
    try:
        with Path(csv).open("w", encoding="utf-8", newline="") as file:
            frame.to_csv(file, index=False)
    except OSError as error:
        raise UserError(f"{csv} cannot be written ({error.strerror}); name another.") from error


def run_compare(options: Values) -> int:
    """Lay two runs side by side: medians, verdicts, and in what else the runs differ."""
    named = options["first_run"], options["second_run"]
    runs = [find_run(options["results"], name) for name in named]
    folders = {run.resolve().parent for run in runs}
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
    comparison = compare_runs(history, *names)
    if options["csv"]:
        write_rows(comparison.rows, options["csv"], 0)
    else:
        _print_comparison(comparison)
    return 0


def _print_comparison(comparison: RunComparison) -> None:
    rows = comparison.rows
    told = rows.assign(change=rows["change"].map(_percent, na_action="ignore"))
    print_table(told.dropna(axis="columns", how="all"), max(len(rows), 1))
    for difference in comparison.differences:
        before, after = difference.before or "none", difference.after or "none"
        print(f"{difference.group} {difference.name}: {before} -> {after}")
    artifacts = {"compare": ("ARTIFACT_A", "ARTIFACT_B")}
    deciding = command_line("suites", artifacts, "suites", "-m", "perf")
    print(f"Measured at different times; to decide: {deciding}")


def _percent(share: float) -> str:
    return f"{share:+.1%}".replace("%", " %")


def print_table(frame: pd.DataFrame, limit: int) -> None:
    """Print rows as a table; what is the same in all of them is said once, above it.

    Args:
        frame: The rows.
        limit: How many of them, the last ones.
    """
    shown = frame.tail(limit)
    same = [name for name in shown.columns if shown[name].nunique(dropna=False) == 1]
    same = same if len(shown) > 1 else []
    # A pipe has no width to fit into.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 400)
    told = {name: _cell(shown[name].iloc[0]) for name in same}
    console.print(", ".join(f"{name} {value}" for name, value in told.items() if value))
    table = Table(show_edge=False)
    for name in shown.columns.difference(same, sort=False):
        numeric = pd.api.types.is_numeric_dtype(shown[name].dtype)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in shown.drop(columns=same).itertuples(index=False):
        table.add_row(*map(_cell, row))
    console.print(table)
    if len(shown) < len(frame):
        console.print(f"the last {len(shown)} of {len(frame)} rows; --limit shows more")


def _cell(value: object) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return number(value) if isinstance(value, float) else escape(str(value))
