"""A night that Dask itself deals out: ``python -m benchmarks.farm_nights.by_dask``.

Gives the jobs of a simulated night to a real scheduler of Dask, as tasks that need resources and
sleep for a share of what the jobs take, and tells the night's length beside that which
``harness.farm.placement`` comes to with the same jobs. Dask is asked for less: its tasks may
measure beside what computes. Says why the farm decides by itself (design §13).
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Sequence

from distributed import Client, Future, Scheduler, SpecCluster, Worker
from rich.table import Table

from benchmarks.farm_nights.events import lower_bound_s, pass_night
from benchmarks.farm_nights.night import NightJob, make_hosts, make_jobs
from harness.console import PlainConsole
from harness.farm.demand import Demand, Host
from harness.farm.worker import configure
from harness.program import run_program

_THREADS = 64
"""Of each worker: more than the jobs that its resources let run at once."""


def main(arguments: Sequence[str]) -> int:
    """Measure and tell; there is no bound."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.farm_nights.by_dask", description=__doc__
    )
    parser.add_argument("--phones", type=int, default=100)
    parser.add_argument("--builders", type=int, default=2)
    parser.add_argument("--judged", type=float, default=0.5)
    parser.add_argument("--scatter", type=float, default=0.3)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30, help="that the shortest night becomes")
    options = parser.parse_args(arguments)
    hosts = make_hosts(options.phones, 10, options.builders)
    table = Table("night", "jobs", "shortest", "ours", "Dask's", "share of ours", "share of Dask's")
    for night in range(options.nights):
        jobs = make_jobs(options.phones, options.judged, options.scatter, random.Random(night))
        bound_s = lower_bound_s(jobs, hosts)
        ours_s = pass_night(jobs, hosts, time.perf_counter).makespan_s
        faster = bound_s / options.seconds
        dealt_s = asyncio.run(_dealt_s(jobs, hosts, faster)) * faster
        minutes = [f"{s / 60:,.1f} min" for s in (bound_s, ours_s, dealt_s)]
        shares = [f"{s / bound_s:.3f}" for s in (ours_s, dealt_s)]
        table.add_row(str(night), f"{len(jobs):,}", *minutes, *shares)
    PlainConsole().print(table)
    return 0


async def _dealt_s(jobs: Sequence[NightJob], hosts: Sequence[Host], faster: float) -> float:
    """Wall time until Dask has passed all jobs, each so much faster than it is."""
    configure()
    workers = {
        host.name: {
            "cls": Worker,
            "options": {"nthreads": _THREADS, "resources": _offer(host), "dashboard": False},
        }
        for host in hosts
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "port": 0}}
    async with (
        SpecCluster(workers=workers, scheduler=scheduler, asynchronous=True) as cluster,
        Client(cluster, asynchronous=True) as client,
    ):
        futures: dict[str, Future[None]] = {}
        started_s = time.perf_counter()
        for job in jobs:
            futures[job.key] = client.submit(
                _sleep,
                job.took_s / faster,
                futures.get(job.after or ""),
                key=job.key,
                resources=_need(job.demand),
                priority=job.expected_s,
            )
        await client.gather(list(futures.values()))
        return time.perf_counter() - started_s


def _offer(host: Host) -> dict[str, float]:
    phones = [phone.soc for phone in host.phones]
    by_soc = {soc: float(phones.count(soc)) for soc in set(phones)}
    return {"cores": host.cores, "memory_gib": host.memory_gib, **by_soc}


def _need(demand: Demand) -> dict[str, float]:
    needs = {"cores": demand.cores, "memory_gib": demand.memory_gib}
    return {**needs, demand.soc: 1.0} if demand.soc else needs


async def _sleep(seconds: float, after: None) -> None:
    await asyncio.sleep(seconds)


if __name__ == "__main__":
    run_program(lambda: main(sys.argv[1:]))
