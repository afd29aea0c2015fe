"""The worker of a host: a Dask worker that comes back when its scheduler does.

Dask's own workers end with their scheduler. This process does not: what it runs goes on, its end
goes to the store, and as soon as there is a scheduler again it tells what it does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import dask
from distributed import Worker

from harness.errors import UserError
from harness.farm.connection import Endpoint, check_trust
from harness.farm.host_jobs import HostJobs
from harness.farm.host_tasks import FARM_METRIC, HostPlugin, HostReport
from harness.farm.offer import HostOffer

_LOG = logging.getLogger(__name__)
_THREADS = 256
"""Jobs are processes of their own, each with a thread here that waits for it."""
_CONNECT_S = 10.0
_PAUSE_S = 2.0
"""Before a scheduler that is gone is looked for again."""


async def run_worker(
    endpoint: Endpoint,
    offer: HostOffer,
    jobs: HostJobs,
    local: Path,
    announce: Callable[[str], None],
    until: asyncio.Event,
) -> None:
    """Work for a scheduler until told to end.

    Args:
        endpoint: Where the scheduler listens.
        offer: What this host has.
        jobs: What it does.
        local: Folder for Dask's own files.
        announce: Told when a scheduler took it, and when it is gone.
        until: Ends it.

    Raises:
        UserError: If the scheduler refuses this host or its certificates.
    """

    def report(worker: Worker) -> str:
        return HostReport(host=offer.host, running=jobs.running).model_dump_json()

    ended = asyncio.create_task(until.wait())
    is_lost = False
    while not until.is_set():
        try:
            await check_trust(endpoint)
            worker = Worker(
                endpoint.address,
                name=offer.host.name,
                nthreads=_THREADS,
                host=None if endpoint.security else endpoint.host,
                security=endpoint.security,
                memory_limit=0,
                local_directory=str(local),
                metrics={FARM_METRIC: report},
                plugins=(HostPlugin(jobs),),
                dashboard=False,
                death_timeout=_CONNECT_S,
            )
            async with worker:
                announce(f"works for {endpoint.address} as {offer.host.name}")
                is_lost = True
                await asyncio.wait(
                    [ended, asyncio.create_task(worker.finished())],
                    return_when=asyncio.FIRST_COMPLETED,
                )
        except ValueError as error:
            raise UserError(
                f"{endpoint.address} does not take this host ({error}); give it another name with "
                "--host-name if there is one of this name."
            ) from error
        except (OSError, RuntimeError, TimeoutError) as error:
            _LOG.info("no scheduler at %s: %s", endpoint.address, error)
        if not until.is_set():
            if is_lost:
                announce(f"{endpoint.address} is gone; jobs go on, and it is looked for again")
                is_lost = False
            await asyncio.wait([ended], timeout=_PAUSE_S)


def configure() -> None:
    """Set what Dask would otherwise decide for a cluster of arrays."""
    dask.config.set(
        {
            "distributed.comm.timeouts.connect": "10s",
            "distributed.comm.timeouts.tcp": "30s",
            "distributed.scheduler.worker-ttl": "30s",
            "distributed.scheduler.work-stealing": False,
            "distributed.admin.tick.limit": "60s",
            "distributed.worker.profile.enabled": False,
        }
    )
    logging.getLogger("distributed").setLevel(logging.WARNING)
