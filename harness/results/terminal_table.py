"""A frame on the terminal."""

from __future__ import annotations

import sys

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.measure.wording import number


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
