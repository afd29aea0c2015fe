"""What a farm adds to a job: ``python -m benchmarks.farm_overhead``.

Asks a farm on this machine for one session after another and tells how much longer each took to
come back than its own process ran. Exit status 1 where the median is above the bound.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from benchmarks.local_farm import ROOT, LocalFarm, LocalHost
from harness.console import PlainConsole
from harness.farm.client import FarmClient, owner, run_night
from harness.farm.connection import endpoint
from harness.farm.demand import Demand
from harness.farm.job import Job
from harness.farm.order import FarmNight, JobOrder
from harness.farm.patient_store import PatientStore
from harness.farm.store import FarmStore
from harness.farm.worker import configure
from harness.program import run_program
from harness.results.provenance import working_tree

BOUND_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """Exit status 1 where a job's median overhead is above the bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.farm_overhead", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--hosts", type=int, default=4, help="default: %(default)s")
    options = parser.parse_args(arguments)
    hosts = [LocalHost(f"host{at}") for at in range(options.hosts)]
    with tempfile.TemporaryDirectory() as folder, LocalFarm(Path(folder), hosts) as farm:
        measured = asyncio.run(_measure(farm, options.jobs))
    table = Table("job", "its process", "until it came back", "the farm's share")
    for at, (own_s, whole_s) in enumerate(measured, 1):
        table.add_row(str(at), f"{own_s:.2f} s", f"{whole_s:.2f} s", f"{whole_s - own_s:.2f} s")
    PlainConsole().print(table)
    median_s = statistics.median(whole_s - own_s for own_s, whole_s in measured)
    print(f"median {median_s:.2f} s; bound {BOUND_S:.0f} s")
    return 0 if median_s <= BOUND_S else 1


async def _measure(farm: LocalFarm, jobs: int) -> list[tuple[float, float]]:
    """Seconds of each job's process, and until its end was known here."""
    configure()
    store = FarmStore(farm.store)
    patient = PatientStore(store, threading.Event(), store.begin())
    measured = []
    async with FarmClient(endpoint(farm.address, farm.certificates)) as client:
        for at in range(jobs):
            order = _order(at)
            night = FarmNight(name=f"job {at}", owner=owner(), orders=(order,))
            started_s = time.perf_counter()
            ends = await run_night(client, night, patient, lambda states: None, print)
            whole_s = time.perf_counter() - started_s
            end = ends[order.job.key]
            assert end.exit_status == 0, f"{order.job.described} ended with {end.exit_status}"
            measured.append(((end.ended_at - end.started_at).total_seconds(), whole_s))
    return measured


def _order(at: int) -> JobOrder:
    """A session that collects a suite, and so ends soon and well."""
    commit = working_tree(ROOT) or "unknown"
    job = Job(
        kind="session",
        commit=commit,
        model="tiny_smolvlm",
        mode="kv",
        precision="fp32",
        target="host",
        suite="size",
        words=("suites/size", "--model", "tiny_smolvlm", "--collect-only", "--quiet"),
        round=at,
    )
    return JobOrder(job=job, demand=Demand(commit=commit), expected_s=5.0)


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
