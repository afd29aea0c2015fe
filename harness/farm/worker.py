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
from harness.farm.connection import Endpoint, check_trust, deepest
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
    has_joined = is_told = False
    while not until.is_set():
        try:
            await check_trust(endpoint)
            async with Worker(
                endpoint.address,
                name=offer.host.name,
                nthreads=_THREADS,
                host=endpoint.bound_to,
                security=endpoint.security,
                memory_limit=0,
                local_directory=str(local),
                metrics={FARM_METRIC: report},
                plugins=(HostPlugin(jobs),),
                dashboard=False,
                dashboard_address="127.0.0.1:0",
                death_timeout=_CONNECT_S,
            ) as worker:
                announce(f"works for {endpoint.address} as {offer.host.name}")
                has_joined, is_told = True, False
                finished = asyncio.ensure_future(worker.finished())
                await asyncio.wait([ended, finished], return_when=asyncio.FIRST_COMPLETED)
            why = "it is gone"
        except UserError as error:
            if not has_joined:
                raise
            why = str(error)
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:
            cause = deepest(error)
            if isinstance(cause, ValueError) and not has_joined:
                raise UserError(
                    f"{endpoint.address} does not take this host ({cause}); give it another name "
                    "with --host-name if there is one of this name."
                ) from error
            why = str(cause)
        if not until.is_set():
            if not is_told:
                announce(f"no scheduler at {endpoint.address} ({why}); jobs go on meanwhile")
                is_told = True
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
            # Pages of Dask's own, which are neither encrypted nor asked for a certificate.
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
        }
    )
    logging.getLogger("distributed").setLevel(logging.WARNING)
    # A scheduler that is lost is told of in a sentence, and asked again; these add tracebacks.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    logging.getLogger("distributed.worker").addFilter(_is_no_lost_connection)


def _is_no_lost_connection(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, OSError)
