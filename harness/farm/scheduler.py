"""The scheduler of a farm: a Dask scheduler that gives jobs to hosts as ``dispatcher`` decides.

Dask knows which hosts are there, notices those that are lost, and carries jobs and what they print
over TLS. Which job starts where is not left to it: it deals tasks that need resources to workers at
once, in whose queues they then wait, so that a long one may wait behind another while a like phone
is idle elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any

from distributed import Client, Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin
from pydantic import ValidationError

from harness.errors import UserError
from harness.farm.connection import Endpoint, deepest
from harness.farm.dispatcher import Dispatcher
from harness.farm.host_tasks import FARM_METRIC, HostReport, run_assignment
from harness.farm.order import Assignment, FarmNight, JobOutcome

_LOG = logging.getLogger(__name__)
_TICK_S = 0.2
_LEAVE_S = 5.0
_RETURN_S = 6.0
"""In which hosts come back to a new scheduler, and tell what they do already."""


class FarmPlugin(SchedulerPlugin):
    """What makes a Dask scheduler one of a farm.

    Args:
        endpoint: Where it listens, to which it gives jobs as a client of its own.
    """

    name = "snapgate-farm"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._dispatcher = Dispatcher()
        self._addresses: dict[str, str] = {}
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._heard: dict[str, str] = {}

    async def start(self, scheduler: Scheduler) -> None:
        """Begin to give jobs away."""
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._scheduler = scheduler
        scheduler.handlers |= {
            "farm_submit": self._submit,
            "farm_states": self._states,
            "farm_hosts": self._hosts,
            "farm_forget": self._forget,
        }
        self._keep(self._give_away())

    async def before_close(self) -> None:
        """End what it started, while there still is a scheduler to take leave of."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LEAVE_S)

    def remove_worker(self, scheduler: Scheduler, worker: str, **kwargs: Any) -> None:
        """Give the jobs of a host that is lost to others."""
        self._heard.pop(worker, None)
        for name, address in list(self._addresses.items()):
            if address == worker:
                del self._addresses[name]
                self._dispatcher.host_left(name)
                for task, host in list(self._tasks.items()):
                    if host == name:
                        task.cancel()

    async def _submit(self, night: str, stored: dict[str, int]) -> None:
        self._dispatcher.submit(FarmNight.model_validate_json(night), stored)
        self._adopt()

    async def _states(self, night: str | None = None) -> list[str]:
        return [one.model_dump_json() for one in self._dispatcher.states(night)]

    async def _hosts(self) -> list[str]:
        return [one.model_dump_json() for one in self._dispatcher.hosts.values()]

    async def _forget(self, night: str) -> None:
        self._dispatcher.forget(night)

    def _keep(self, work: Coroutine[Any, Any, None], host: str = "") -> None:
        task = asyncio.create_task(work)
        self._tasks[task] = host
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.failure.done():
            self.failure.set_exception(error)

    async def _give_away(self) -> None:
        """Look again and again at who is there and what can start."""
        async with Client(
            self._scheduler.address, security=self._endpoint.security, asynchronous=True
        ) as self._client:
            begins_at_s = time.monotonic() + _RETURN_S
            while True:
                self._look_at_hosts()
                if time.monotonic() >= begins_at_s:
                    for host, assignment in self._dispatcher.assignments(time.monotonic()):
                        self._keep(self._carry_out(host, assignment), host)
                await asyncio.sleep(_TICK_S)

    def _look_at_hosts(self) -> None:
        """Take what hosts report with each heartbeat."""
        is_new = False
        for address, worker in self._scheduler.workers.items():
            report = worker.metrics.get(FARM_METRIC)
            if report is None or report == self._heard.get(address):
                continue
            self._heard[address] = report
            try:
                told = HostReport.model_validate_json(report)
            except ValidationError as error:
                _LOG.warning(
                    "%s speaks of what this version does not know (%d faults) and gets no jobs; "
                    "bring its clone to the scheduler's commit",
                    worker.name,
                    error.error_count(),
                )
                continue
            is_new |= self._addresses.get(told.host.name) != address
            self._addresses[told.host.name] = address
            self._dispatcher.host_reports(told.host, told.running)
        if is_new:
            self._adopt()

    def _adopt(self) -> None:
        for host, assignment in self._dispatcher.adopt(time.monotonic()):
            self._keep(self._carry_out(host, assignment), host)

    async def _carry_out(self, host: str, assignment: Assignment) -> None:
        """See one assignment through; cancelled where its host is lost."""
        job = assignment.order.job
        future = self._client.submit(
            run_assignment,
            assignment.model_dump_json(),
            workers=[self._addresses[host]],
            key=f"{job.suite or job.kind}-{job.key}-{time.monotonic_ns()}",
            pure=False,
        )
        try:
            outcome = JobOutcome.model_validate_json(await future)
        except asyncio.CancelledError:
            await self._client.cancel([future], force=True)
            raise
        # Whatever a defect raises on the host travels here as what it was there.
        except Exception as error:
            said = f"{host} could not run it ({type(error).__name__}: {error})"
            outcome = JobOutcome(kind="died", said=said)
        self._dispatcher.ended(job.key, host, outcome, time.monotonic())


async def run_scheduler(
    endpoint: Endpoint, announce: Callable[[str], None], until: asyncio.Event
) -> None:
    """Schedule until told to end.

    Args:
        endpoint: Where to listen.
        announce: Told the address once it listens.
        until: Ends it.

    Raises:
        UserError: If it cannot listen there.
    """
    plugin = FarmPlugin(endpoint)
    scheduler = Scheduler(
        host=endpoint.host,
        port=endpoint.port,
        protocol=endpoint.protocol,
        security=endpoint.security,
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        plugins=[plugin],
    )
    try:
        await scheduler
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"A scheduler cannot listen at {endpoint.address} ({deepest(error)}); end what does, "
            "or give another --scheduler."
        ) from error
    async with scheduler:
        announce(scheduler.address)
        ended: asyncio.Future[Any] = asyncio.ensure_future(until.wait())
        failed: asyncio.Future[Any] = plugin.failure
        await asyncio.wait([ended, failed], return_when=asyncio.FIRST_COMPLETED)
        if plugin.failure.done():
            plugin.failure.result()
