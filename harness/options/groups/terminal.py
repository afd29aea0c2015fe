"""Options that say what is shown."""

from __future__ import annotations

from harness.options.groups.takers import ROWS
from harness.options.option import Option, PathOrName

FILTERS = ("model", "metric", "target", "soc", "device", "mode", "precision", "status", "run_id")
"""Columns of the results store that ``python -m harness results`` has flags for."""

TERMINAL_OPTIONS = (
    Option(
        "table",
        ROWS,
        "kind of rows: runs, sessions, session_ends, devices, device_states, notices, samples, "
        "verdicts, comparisons, quarantines, answers, outcomes, ladders",
        default="verdicts",
    ),
    Option("runs_since", ROWS, "runs from that day (UTC)", metavar="YYYY-MM-DD", spelled="--since"),
    *(
        Option(
            f"only_{column}",
            ROWS,
            f"rows of this {column}",
            arity="many",
            spelled="--run" if column == "run_id" else f"--{column}",
        )
        for column in FILTERS
    ),
    Option("where", ROWS, "rows with it", arity="many", metavar="COLUMN=VALUE"),
    Option(
        "group_by",
        ROWS,
        "medians of valid samples; what must not be pooled is added",
        metavar="COLUMN,...",
    ),
    Option("show", ROWS, "columns to show", metavar="COLUMN,..."),
    Option("provenance", ROWS, "add commit, versions, options, host, device, its state", bool),
    Option("limit", ROWS, "rows on the terminal, the last ones", int, default=50),
    Option(
        "show_all",
        ("results", "compare", "ladder"),
        "show all rows and columns, or all that did not change, or every layer",
        bool,
        spelled="--all",
    ),
    Option("columns", ROWS, "explain the columns and end", bool),
    Option(
        "csv",
        ("results", "compare", "noise"),
        "write all rows there, - for standard output",
        metavar="FILE",
    ),
    Option("json", ("doctor", "options"), "print JSON instead of a table", bool),
    Option(
        "artifact",
        ("doctor",),
        "artifact to look at, too",
        PathOrName,
        words="those of the cache",
        metavar="DIR|NAME",
    ),
    Option("conversations", ("ladder",), "of two turns, put to every stage", int, default=4),
    Option("smoke", ("doctor",), "push a miniature to the phone and run it", bool),
)
