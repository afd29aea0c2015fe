"""What verdicts are worth: ``python -m benchmarks.simulate [--nights 2000] [--seed N] [--json]``.

Simulates sessions, comparisons, histories and answers whose truth is known, lets the product's own
functions judge them, and prints how often they err beside the bound. Rows without a bound are there
to be known: no rule keeps 5 % there without missing real slowdowns of 5 %.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import sys

import numpy as np
from rich.table import Table

from benchmarks.simulation.comparisons import comparison_rows
from benchmarks.simulation.histories import history_rows
from benchmarks.simulation.nights import night_rows
from benchmarks.simulation.rate import Rate
from benchmarks.simulation.scenes import scene_rows
from harness.console import PlainConsole
from harness.program import run_program

SEED = 20_260_125

_LOG_COLUMNS = 140
"""A log has no width to fit into; folded, the rows cannot be read."""


def simulate(nights: int, seed: int) -> list[Rate]:
    """All rows; each part has its own stream, so that none depends on how much another drew."""
    for_nights, for_comparisons, for_histories, for_scenes = np.random.default_rng(seed).spawn(4)
    return list(
        itertools.chain(
            night_rows(for_nights, nights),
            comparison_rows(for_comparisons, nights),
            history_rows(for_histories, nights),
            scene_rows(for_scenes, nights),
        )
    )


def table(rows: list[Rate], nights: int, seed: int) -> Table:
    """The rows for a terminal."""
    result = Table(title=f"{nights} simulated cases per cell, seed {seed}")
    result.add_column("what")
    for heading in ("bound", "measured"):
        result.add_column(heading, justify="right", no_wrap=True)
    result.add_column("worst cell")
    result.add_column("ok")
    for row in rows:
        bound = "" if row.bound is None else f"{row.sign} {100 * row.bound:g} %"
        ok = "" if row.bound is None else "yes" if row.is_met else "NO"
        result.add_row(row.name, bound, f"{100 * row.measured:.2f} %", row.detail, ok)
    return result


def main() -> int:
    """Print the table; 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=2000, help="simulated cases per cell")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true", help="print rows as JSON instead")
    options = parser.parse_args()
    rows = simulate(options.nights, options.seed)
    if options.json:
        print(json.dumps([dataclasses.asdict(row) | {"ok": row.is_met} for row in rows], indent=1))
    else:
        width = None if sys.stdout.isatty() else _LOG_COLUMNS
        PlainConsole(width=width).print(table(rows, options.nights, options.seed))
    return 0 if all(row.is_met for row in rows) else 1


if __name__ == "__main__":
    run_program(main)
