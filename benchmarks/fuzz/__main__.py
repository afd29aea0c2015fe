"""``python -m benchmarks.fuzz``: mutates files of strangers and counts what becomes of a session.

Exit code 1 where a case ended in a traceback, or ended or hung the session; each is told with the
command that repeats it.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Mapping

from rich.table import Table

from benchmarks.fuzz.campaign import Tally, try_cases
from benchmarks.fuzz.kind import OUTCOMES
from benchmarks.fuzz.registry import kinds
from harness.console import PlainConsole
from harness.program import run_program

_LOG_COLUMNS = 120


def main() -> int:
    """Print a table of kinds and outcomes; exit code 1 for a defect."""
    known = kinds()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--kind", action="append", choices=known, help="default: all")
    parser.add_argument("--cases", type=int, help="of each kind; default: as many as it says")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1e9, help="for all kinds together")
    options = parser.parse_args()
    # Logs of CI are read at any width.
    console = PlainConsole(width=None if sys.stdout.isatty() else _LOG_COLUMNS)
    chosen = {name: known[name] for name in options.kind or known}
    ends = time.monotonic() + options.seconds
    found: dict[str, Tally] = {}
    for index, (name, kind) in enumerate(chosen.items()):
        if reason := kind.missing():
            console.print(f"{name} is left out: {reason}")
            continue
        now = time.monotonic()
        deadline = now + (ends - now) / (len(chosen) - index)
        cases = range(options.first, options.first + (options.cases or kind.cases))
        found[name] = try_cases(kind, options.seed, cases, deadline)
    console.print(_table(found))
    for name, findings in found.items():
        for case, outcome, detail in findings.defects:
            words = ["--kind", name, "--seed", options.seed, "--first", case, "--cases", 1]
            repeat = shlex.join(["python", "-m", "benchmarks.fuzz", *map(str, words)])
            console.print(f"{outcome}: {repeat}\n{detail}")
    return 1 if any(findings.defects for findings in found.values()) else 0


def _table(found: Mapping[str, Tally]) -> Table:
    table = Table(title="Mutated files")
    table.add_column("kind")
    for heading in ("cases", *OUTCOMES):
        table.add_column(heading, justify="right")
    for name, findings in found.items():
        counts = [findings.counts[outcome] for outcome in OUTCOMES]
        table.add_row(name, *map(str, (sum(counts), *counts)))
    return table


if __name__ == "__main__":
    run_program(main)
