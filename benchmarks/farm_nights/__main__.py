"""How well a farm fills a night: ``python -m benchmarks.farm_nights``.

Simulates nights with the placement that ``python -m harness farm scheduler`` works by, jobs that
take what exports and sessions took, more or less by chance, and tells their length over the
shortest that any order could have. Exit status 1 where that is above the bound.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from functools import partial

from rich.progress import Progress, TaskID
from rich.table import Table

from benchmarks.farm_nights.events import Passed, lower_bound_s, pass_night
from benchmarks.farm_nights.night import make_hosts, make_jobs
from harness.console import PlainConsole
from harness.program import run_program

BOUND = 1.15
"""Makespan over its lower bound."""


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where a night is longer than the bound, or a measurement was disturbed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.farm_nights", description=__doc__)
    parser.add_argument("--phones", type=int, default=1000)
    parser.add_argument("--phones-per-host", type=int, default=10)
    parser.add_argument("--builders", type=int, default=4, help="hosts without phones, for exports")
    parser.add_argument(
        "--judged", type=float, default=0.5, help="share of its phones an artifact is judged on"
    )
    parser.add_argument("--scatter", type=float, default=0.3, help="of what a job takes, as a log")
    parser.add_argument("--nights", type=int, default=3)
    options = parser.parse_args(arguments)
    hosts = make_hosts(options.phones, options.phones_per_host, options.builders)
    table = Table(
        "night", "jobs", "took", "shortest", "share", "looks", "longest look", "disturbed"
    )
    worst = disturbed = 0.0
    for night in range(options.nights):
        rng = random.Random(night)
        jobs = make_jobs(options.phones, options.judged, options.scatter, rng)
        with Progress(transient=True) as progress:
            bar = progress.add_task(f"night {night}", total=len(jobs))
            passed = pass_night(
                jobs,
                hosts,
                time.perf_counter,
                partial(_show_ended, progress, bar),
            )
        bound_s = lower_bound_s(jobs, hosts)
        table.add_row(*_row(night, len(jobs), passed, bound_s))
        worst = max(worst, passed.makespan_s / bound_s)
        disturbed += passed.measured_beside
    console = PlainConsole()
    console.print(table)
    console.print(f"worst night {worst:.3f} of the shortest; bound {BOUND}")
    return 0 if worst <= BOUND and not disturbed else 1


def _show_ended(progress: Progress, bar: TaskID, ended: int) -> None:
    progress.update(bar, completed=ended)


def _row(night: int, jobs: int, passed: Passed, bound_s: float) -> list[str]:
    return [
        str(night),
        f"{jobs:,}",
        f"{passed.makespan_s / 60:,.1f} min",
        f"{bound_s / 60:,.1f} min",
        f"{passed.makespan_s / bound_s:.3f}",
        f"{len(passed.placed_s):,}",
        f"{max(passed.placed_s) * 1000:,.0f} ms",
        str(passed.measured_beside),
    ]


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
