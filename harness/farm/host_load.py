"""What a host does while places are given out, and what may run beside what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.farm.demand import Demand, Host, OfferedPhone, can_ever_run, suits


@dataclass(frozen=True)
class Waiting:
    """A job that could start.

    Attributes:
        key: Of the job.
        demand: What it takes.
        expected_s: How long it will run.
        owner: Whose it is.
        behind_s: How long the jobs that wait for it take, the longest chain of them.
        broke: Phones that broke under it.
        refused: Hosts that cannot do it.
        name: What it is called every night, by which it meets the same phone where that is free.
    """

    key: str
    demand: Demand
    expected_s: float
    owner: str = ""
    behind_s: float = 0.0
    broke: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    name: str = ""


@dataclass(frozen=True)
class Running:
    """A job on a host.

    Attributes:
        key: Of the job.
        demand: What it takes.
        ends_at_s: When it is expected to end, on the clock of ``place``.
        owner: Whose it is.
        serialno: Its phone; None without.
    """

    key: str
    demand: Demand
    ends_at_s: float
    owner: str = ""
    serialno: str | None = None


@dataclass
class HostLoad:
    """What a host does while places are given out.

    Attributes:
        host: What it has.
        running: What it does.
        kept_until_s: When somebody needs it who does not fit now; None for nobody.
        busy: Its phones that have a job.
    """

    host: Host
    running: list[Running]
    kept_until_s: float | None = None
    busy: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.busy = {one.serialno for one in self.running if one.serialno is not None}

    def add(self, job: Running) -> None:
        self.running.append(job)
        if job.serialno is not None:
            self.busy.add(job.serialno)

    def free_phones(self, job: Waiting) -> list[OfferedPhone]:
        """Those that it could have now."""
        return [
            phone
            for phone in self.host.phones
            if suits(job.demand, phone)
            and phone.serialno not in self.busy
            and phone.serialno not in job.broke
        ]


def fits(demand: Demand, host: Host, running: Sequence[Running]) -> bool:
    """Whether a job may start beside others; that it finds a phone is another matter."""
    if not can_ever_run(demand, host):
        return False
    others = [one.demand for one in running]
    if others and (demand.wants_host_alone or any(one.wants_host_alone for one in others)):
        return False
    measured_on_phones = any(one.measures for one in others)
    if demand.is_heavy and measured_on_phones:
        return False
    if demand.measures and any(one.is_heavy for one in others):
        return False
    return (
        sum(one.cores for one in others) + demand.cores <= host.cores
        and sum(one.memory_gib for one in others) + demand.memory_gib <= host.memory_gib
    )
