"""``python -m harness results`` and ``python -m harness compare``: the store on the terminal."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from harness.errors import UserError, suggest
from harness.results.history import History, load_history
from harness.results.job_summary import job_summary
from harness.results.noise_floors import advice, noise_floors
from harness.results.query import check_columns, measured, select, summarize
from harness.results.run_comparison import RunComparison, compare_runs
from harness.results.runs import default_results_directory, find_run, started_at
from harness.results.tables import TABLES, columns
from harness.results.terminal_table import print_table
from harness.results.trend_alerts import TREND_SPAN, find_trend_alerts

_FILTERS = ("model", "metric", "target", "soc", "device", "mode", "precision", "status", "run_id")
_SHOWN = {
    "samples": ("run_id", "device", "model", "mode", "precision", "metric", "value", "unit"),
    "verdicts": ("run_id", "device", "model", "mode", "metric", "median", "unit", "status"),
    "runs": ("run_id", "started_at", "ended_at", "exit_status", "git_commit", "torn"),
}
"""Columns on the terminal where nobody chose others; a CSV file has all."""

_RUNS = "runs"


def add_result_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> None:
    """Register ``results``, ``compare``, ``noise`` and ``summary``.

    Args:
        commands: What ``add_subparsers`` returned.
    """
    results = commands.add_parser(
        "results", help="filter and group what was measured", description=_run_results.__doc__
    )
    results.set_defaults(run=_run_results)
    _add_results_options(results)
    compare = commands.add_parser(
        "compare", help="lay two runs side by side", description=_run_compare.__doc__
    )
    compare.set_defaults(run=_run_compare)
    compare.add_argument("first", metavar="RUN1", help="name, its beginning, path or 'latest'")
    compare.add_argument("second", metavar="RUN2")
    _add_common_options(compare)
    noise = commands.add_parser(
        "noise", help="what devices differ from themselves by", description=_run_noise.__doc__
    )
    noise.set_defaults(run=_run_noise)
    _add_common_options(noise)
    summary = commands.add_parser(
        "summary", help="a run in Markdown, for a CI job's page", description=_run_summary.__doc__
    )
    summary.set_defaults(run=_run_summary)
    summary.add_argument("run_id", nargs="?", default="latest", metavar="RUN", help="as above")
    _add_results_folder(summary)


def _add_results_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--table", default="verdicts", choices=[_RUNS, *TABLES])
    parser.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="runs from that day (UTC)")
    for name in _FILTERS:
        flag = "run" if name == "run_id" else name.replace("_", "-")
        parser.add_argument(f"--{flag}", dest=name, action="append", help="repeatable")
    parser.add_argument(
        "--where", action="append", default=[], type=_condition, metavar="COLUMN=VALUE"
    )
    parser.add_argument(
        "--group-by", type=_names, metavar="COLUMN,...", help="medians of valid samples"
    )
    parser.add_argument("--show", type=_names, metavar="COLUMN,...", help="columns to show")
    parser.add_argument(
        "--provenance",
        action="store_true",
        help="add commit, versions, options, host, device, its state",
    )
    parser.add_argument("--limit", type=int, default=50, help="rows on the terminal, the last ones")
    parser.add_argument("--columns", action="store_true", help="explain the columns and end")
    _add_common_options(parser)


def _add_results_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", type=Path, default=default_results_directory(), metavar="DIR")


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    _add_results_folder(parser)
    parser.add_argument("--csv", metavar="FILE", help="write all rows there, - for standard output")


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-11-23") from None


def _condition(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=VALUE")
    return name, value


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _run_results(options: argparse.Namespace) -> int:
    """Show verdicts, samples or other rows of all runs; --group-by gives medians of samples."""
    _end_with_the_reader()
    if options.columns:
        _explain(options.table)
        return 0
    table = "samples" if options.group_by else options.table
    history = _load(options.results, options.since, table, options.provenance)
    frame: pd.DataFrame = getattr(history, table)
    wanted = _wanted(options)
    if options.provenance and table != _RUNS:
        frame = history.provenance(frame)
    every, frame = frame, select(frame, wanted)
    if frame.empty and not every.empty and not options.csv:
        print(_why_empty(every, wanted, table))
        return 0
    if options.group_by:
        frame = summarize(measured(frame), options.group_by)
    if options.show:
        check_columns(frame, options.show)
        frame = frame[options.show]
    elif not options.csv and not options.group_by:
        frame = frame[list(_SHOWN.get(table, frame.columns))]
    _write(frame, options.csv, options.limit)
    return 0


def _wanted(options: argparse.Namespace) -> dict[str, list[str]]:
    wanted = {name: list(getattr(options, name)) for name in _FILTERS if getattr(options, name)}
    for name, value in options.where:
        wanted.setdefault(name, []).append(value)
    if "run_id" in wanted:
        wanted["run_id"] = [find_run(options.results, name).name for name in wanted["run_id"]]
    return wanted


def _why_empty(frame: pd.DataFrame, wanted: Mapping[str, Sequence[str]], table: str) -> str:
    for name, values in wanted.items():
        for value in values:
            if select(frame, {name: [value]}).empty:
                known = frame[name].dropna().astype(str).unique()
                return f"No row of {table} has {name} {value!r}; {suggest(value, known)}."
    return f"No row of {table} has all of that at once; leave a filter out."


def _run_compare(options: argparse.Namespace) -> int:
    """Lay two runs side by side: medians, verdicts, and in what else the runs differ."""
    _end_with_the_reader()
    runs = [find_run(options.results, name) for name in (options.first, options.second)]
    folders = {run.resolve().parent for run in runs}
    if len(folders) > 1:
        raise UserError(
            f"{runs[0]} and {runs[1]} are in different folders; copy one beside the other, which "
            "merges them."
        )
    history = load_history(folders.pop())
    names = [run.resolve().name for run in runs]
    for sentence in history.unreadable:
        if any(name in sentence for name in names):
            raise UserError(sentence)
    comparison = compare_runs(history, *names)
    if options.csv:
        _write(comparison.rows, options.csv, 0)
    else:
        _print_comparison(comparison)
    return 0


def _run_noise(options: argparse.Namespace) -> int:
    """Tell the noise floor of each device from comparisons of artifacts with themselves (A/A)."""
    _end_with_the_reader()
    floors = noise_floors(_load(options.results, None, "comparisons", False).comparisons)
    _write(floors, options.csv, max(len(floors), 1))
    if not options.csv and (missing := advice(floors)):
        print(missing)
    return 0


def _run_summary(options: argparse.Namespace) -> int:
    """Print what a reader of a CI job's page must see: what is not green, and trends."""
    run = find_run(options.results, options.run_id)
    since = started_at(run.resolve()) - TREND_SPAN
    history = load_history(run.resolve().parent, since, {"samples", "verdicts"})
    alerts = find_trend_alerts(history.samples, history.verdicts, run.resolve().name)
    print(job_summary(run, alerts), end="")
    return 0


def _load(results: Path, since: datetime | None, table: str, provenance: bool) -> History:
    needed = {table, "sessions", "devices", "device_states"} if provenance else {table}
    history = load_history(results, since, needed)
    for sentence in history.unreadable:
        print(f"left out: {sentence}", file=sys.stderr)
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


def _write(frame: pd.DataFrame, csv: str | None, limit: int) -> None:
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


def _print_comparison(comparison: RunComparison) -> None:
    rows = comparison.rows
    told = rows.assign(change=rows["change"].map(_percent, na_action="ignore"))
    print_table(told.dropna(axis="columns", how="all"), max(len(rows), 1))
    for difference in comparison.differences:
        before, after = difference.before or "none", difference.after or "none"
        print(f"{difference.group} {difference.name}: {before} -> {after}")
    print(
        "Measured at different times; to decide: pytest suites -m perf "
        "--compare ARTIFACT_A ARTIFACT_B"
    )


def _percent(share: float) -> str:
    return f"{share:+.1%}".replace("%", " %")


def _end_with_the_reader() -> None:
    """Let ``| head`` end this process without a word, as it does with every other tool."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
