"""What a Dask worker of a farm is asked to do, and what it tells with each heartbeat."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from distributed import Worker, get_worker
from distributed.diagnostics.plugin import WorkerPlugin
from pydantic import BaseModel

from harness.farm.demand import Host
from harness.farm.order import Assignment

if TYPE_CHECKING:
    from harness.farm.host_jobs import HostJobs

FARM_METRIC = "snapgate_farm"
"""Under which a heartbeat carries a ``HostReport``."""
LOG_TOPIC = "snapgate-farm-log"
"""Under which what jobs print travels to those who asked for them."""
_PLUGIN = "snapgate-farm-host"


class HostReport(BaseModel, frozen=True, extra="forbid"):
    """What a host offers and does.

    Attributes:
        host: What it offers.
        running: What it does.
    """

    host: Host
    running: tuple[Assignment, ...] = ()


class PrintedLine(BaseModel, frozen=True, extra="forbid"):
    """What a job printed.

    Attributes:
        key: Of the job.
        line: One line of it.
    """

    key: str
    line: str


class HostPlugin(WorkerPlugin):
    """Lets tasks find the jobs of their process."""

    name = _PLUGIN

    def __init__(self, jobs: HostJobs) -> None:
        self.jobs = jobs


async def run_assignment(assignment: str) -> str:
    """Carry out an assignment on this worker.

    As a coroutine, which ends with its worker where the scheduler is lost; the job itself goes on.

    Args:
        assignment: An ``Assignment`` as JSON.

    Returns:
        Its ``JobOutcome`` as JSON.
    """
    worker: Worker = get_worker()
    plugin = worker.plugins[_PLUGIN]
    assert isinstance(plugin, HostPlugin)
    given = Assignment.model_validate_json(assignment)
    key = given.order.job.key

    def tell(line: str) -> None:
        worker.log_event(LOG_TOPIC, PrintedLine(key=key, line=line).model_dump_json())

    return (await asyncio.wrap_future(plugin.jobs.carry_out(given, tell))).model_dump_json()
