"""Whoever asks a farm for a night: asks, follows, and asks again when the scheduler was lost."""

from __future__ import annotations

import asyncio
import getpass
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from distributed import Client

from harness.errors import UserError
from harness.farm.connection import Endpoint, check_trust
from harness.farm.demand import Host
from harness.farm.host_tasks import LOG_TOPIC, PrintedLine
from harness.farm.job_end import JobEnd
from harness.farm.order import FarmNight, JobState
from harness.farm.patient_store import PatientStore

Follow = Callable[[Sequence[JobState]], None]
Listen = Callable[[PrintedLine], None]

_LOOK_S = 0.2
_LOOK_PER_JOB_S = 0.001
"""What it takes to tell the state of one job, often enough that nothing else suffers."""
_CONNECT_S = 10.0
_JOIN_S = 8.0
"""In which hosts come back to a scheduler that was started anew."""
_OVER = frozenset({"stored", "failed"})


class FarmClient:
    """A connection to a farm's scheduler, which is made again when it is lost.

    Args:
        endpoint: Where it listens.
        listen: Told what jobs print; None if nobody wants to know.
    """

    def __init__(self, endpoint: Endpoint, listen: Listen | None = None) -> None:
        self._endpoint = endpoint
        self._listen = listen
        self._client: Client | None = None

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def ask(self, operation: str, **told: Any) -> Any:
        """Call an operation of the scheduler.

        Raises:
            OSError: If it is not there.
        """
        if self._client is None or self._client.status != "running":
            await self._close()
            await self._connect()
        assert self._client is not None
        return await getattr(self._client.scheduler, operation)(**told)

    async def states(self, night: str | None = None) -> tuple[JobState, ...]:
        """Where jobs are."""
        told = await self.ask("farm_states", night=night)
        return tuple(JobState.model_validate_json(one) for one in told)

    async def hosts(self) -> tuple[Host, ...]:
        """Who is there, with what."""
        return tuple(Host.model_validate_json(one) for one in await self.ask("farm_hosts"))

    async def joined_hosts(self) -> tuple[Host, ...]:
        """The same, waited for a few seconds where there are none: a scheduler may be new.

        Raises:
            UserError: If the scheduler is lost meanwhile.
        """
        end_s = time.monotonic() + _JOIN_S
        while True:
            try:
                hosts = await self.hosts()
            except OSError as error:
                raise UserError(
                    f"The scheduler at {self._endpoint.address} is gone ({error}); type the same "
                    "command again when it is back."
                ) from error
            if hosts or time.monotonic() > end_s:
                return hosts
            await asyncio.sleep(_LOOK_S)

    async def _connect(self) -> None:
        try:
            await check_trust(self._endpoint)
            self._client = await Client(
                self._endpoint.address,
                security=self._endpoint.security,
                asynchronous=True,
                timeout=_CONNECT_S,
                set_as_default=False,
            )
        except (OSError, TimeoutError) as error:
            raise UserError(
                f"No scheduler of a farm answers at {self._endpoint.address} "
                f"({str(error).splitlines()[0]}); start one with: python -m harness farm scheduler"
            ) from error

        if (listen := self._listen) is not None:
            self._client.subscribe_topic(
                LOG_TOPIC, lambda event: listen(PrintedLine.model_validate_json(event[1]))
            )

    async def _close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None


async def run_night(
    farm: FarmClient,
    night: FarmNight,
    store: PatientStore,
    follow: Follow,
    tell: Callable[[str], None],
) -> dict[str, JobEnd]:
    """Ask for a night and wait until all of it ended, whatever becomes of the scheduler meanwhile.

    Args:
        farm: The farm.
        night: What is wanted.
        store: Which knows what ended; asked until it answers.
        follow: Told again and again where the jobs are.
        tell: Told when the scheduler is lost, and when it is back.

    Returns:
        Ends of the jobs that have one, by key; those that failed have none.
    """
    keys = [order.job.key for order in night.orders]
    try:
        ends = await asyncio.to_thread(store.find_ends, keys)
        await _follow_to_the_end(farm, night, ends, follow, tell)
        missing = [key for key in keys if key not in ends]
        found = await asyncio.to_thread(store.find_ends, missing)
    finally:
        # Whoever interrupts a night wants its phones back; a scheduler that is gone has no book.
        with suppress(OSError, UserError, TimeoutError):
            await asyncio.wait_for(farm.ask("farm_forget", night=night.name), _CONNECT_S)
    return {**ends, **found}


async def _follow_to_the_end(
    farm: FarmClient,
    night: FarmNight,
    ends: Mapping[str, JobEnd],
    follow: Follow,
    tell: Callable[[str], None],
) -> None:
    """Ask, and ask again where the scheduler was lost, until every job is over."""
    stored = {key: end.exit_status for key, end in ends.items()}
    look_s = max(_LOOK_S, len(night.orders) * _LOOK_PER_JOB_S)
    is_asked = is_lost = False
    while True:
        try:
            if not is_asked:
                await farm.ask("farm_submit", night=night.model_dump_json(), stored=stored)
                is_asked = True
            states = await farm.states(night.name)
        except (OSError, UserError):
            if not is_lost:
                tell("the farm's scheduler is gone; jobs go on, and it is asked until it is back")
            is_asked, is_lost = False, True
            await asyncio.sleep(look_s)
            continue
        if is_lost:
            tell("the farm's scheduler is back")
            is_lost = False
        if len(states) < len(night.orders):
            # Another scheduler took the place of the one that was asked.
            is_asked = False
            continue
        follow(states)
        if all(one.state in _OVER for one in states):
            return
        await asyncio.sleep(look_s)


def owner() -> str:
    """Whose share of a farm this process's jobs take."""
    return getpass.getuser()
