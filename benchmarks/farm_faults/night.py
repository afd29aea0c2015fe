"""A night of sessions on a farm that faults strike all the while."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.farm_faults.laboratory import SOC, Laboratory
from benchmarks.farm_faults.plan import Fault
from benchmarks.local_farm import ROOT
from harness.artifacts.artifact import Artifact
from harness.farm.client import FarmClient, owner, run_night
from harness.farm.connection import endpoint
from harness.farm.demand import Demand
from harness.farm.job import Job
from harness.farm.job_end import JobEnd
from harness.farm.order import FarmNight, JobOrder, JobState
from harness.farm.patient_store import PatientStore
from harness.farm.store import FarmStore
from harness.farm.worker import configure
from harness.processors import usable_processors
from harness.results.provenance import working_tree

_TESTS = ("suites/robustness/test_runner_refuses.py::test_paths_with_spaces_and_umlauts_run",)
TESTS_EACH = len(_TESTS)
_LONGEST_PAUSE_S = 15.0
"""Between faults: a night that stands still is struck, too."""
_LOOK_S = 0.2
_TRIES = 50
_AT_ONCE = 16


class FaultedNight:
    """Sessions that each answer with an artifact on a phone.

    Args:
        laboratory: Where.
        artifact: Of this machine.
        jobs: How many sessions.

    Attributes:
        orders: What is asked for.
        ends: What the store has of it in the end.
        starts: How often a host was given one of them, as far as it was seen.
        took_s: Wall time of all.
    """

    def __init__(self, laboratory: Laboratory, artifact: Artifact, jobs: int) -> None:
        self._laboratory = laboratory
        store = FarmStore(str(laboratory.store))
        identity = store.begin()
        self._store = PatientStore(store, threading.Event(), identity)
        self.orders = tuple(_order(artifact, at).kept_in(identity) for at in range(jobs))
        self.ends: dict[str, JobEnd] = {}
        self.starts = 0
        self.took_s = 0.0
        self._ended = 0
        self._is_over = False

    def pass_under(self, faults: Sequence[Fault]) -> list[str]:
        """Let all jobs be done while faults strike, evenly over the night.

        Returns:
            Kinds of those that struck.
        """
        began_s = time.monotonic()
        with ThreadPoolExecutor(_AT_ONCE) as strikers, ThreadPoolExecutor(1) as driver:
            driving = driver.submit(self._drive, faults, strikers)
            try:
                self.ends = asyncio.run(self._ask())
            finally:
                self._is_over = True
            self.took_s = time.monotonic() - began_s
            return [kind for strike in driving.result() if (kind := strike.result()) is not None]

    async def _ask(self) -> dict[str, JobEnd]:
        configure()
        farm = self._laboratory.farm
        night = FarmNight(name="faults", owner=owner(), orders=self.orders)
        columns = TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns) as progress:
            bar = progress.add_task("jobs", total=len(self.orders))
            starts: dict[tuple[str, str | None, int], None] = {}

            def follow(states: Sequence[JobState]) -> None:
                self._ended = sum(one.state in ("stored", "failed") for one in states)
                starts.update(
                    ((one.key, one.host, one.attempts), None)
                    for one in states
                    if one.state == "running"
                )
                self.starts = len(starts)
                progress.update(bar, completed=self._ended)

            async with FarmClient(endpoint(farm.address, farm.certificates)) as client:
                return await run_night(client, night, self._store, follow, progress.log)

    def _drive(
        self, faults: Sequence[Fault], strikers: ThreadPoolExecutor
    ) -> list[Future[str | None]]:
        """Strike again and again: as many faults as jobs have ended, for their number."""
        strikes: list[Future[str | None]] = []
        for at, fault in enumerate(faults):
            due = at * (len(self.orders) - 1) / len(faults)
            began_s = time.monotonic()
            while self._ended < due and time.monotonic() - began_s < _LONGEST_PAUSE_S:
                if self._is_over:
                    return strikes
                time.sleep(_LOOK_S)
            strikes.append(strikers.submit(self._strike, fault))
        return strikes

    def _strike(self, fault: Fault) -> str | None:
        for _ in range(_TRIES):
            if self._laboratory.strike(fault):
                return fault.kind
            if self._is_over:
                return None
            time.sleep(_LOOK_S)
        return None


def _order(artifact: Artifact, at: int) -> JobOrder:
    commit = working_tree(ROOT) or "unknown"
    model = artifact.manifest.model
    told = ("--target", "phone", "--soc", SOC, "--model", model, "--mode", "kv")
    job = Job(
        kind="session",
        commit=commit,
        model=model,
        mode="kv",
        # So that each has a phone of its own that it meets when it can.
        precision=f"{artifact.manifest.precision_label} {at}",
        target="phone",
        soc=SOC,
        suite="robustness",
        words=(*_TESTS, *told, "--pre-gen-pte", str(artifact.directory)),
    )
    # One at a time on each host: all hosts are this machine.
    demand = Demand(soc=SOC, cores=usable_processors(), memory_gib=0.25, commit=commit)
    return JobOrder(job=job, demand=demand, expected_s=10.0)
