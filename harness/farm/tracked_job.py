"""A job that somebody asked for, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from harness.farm.demand import Host, can_ever_run, reaching, suits
from harness.farm.host_load import Running, Waiting
from harness.farm.order import JobOrder, JobStateKind


@dataclass
class TrackedJob:
    """A job in a scheduler's book.

    Attributes:
        order: What is wanted.
        owner: Who asked first.
        nights: Names of the nights that want it.
        state: How far it is.
        host: Where it runs or ran last.
        serialno: On which phone.
        started_at_s: When it was given to that host.
        exit_status: Of its stored end.
        said: Why it is where it is.
        attempts: How often it was started.
        deaths: How often its process died.
        broke: Phones that broke under it.
        refused: Hosts that could not do it.
        impossible_since_s: Since when no host that is there could run it; None while one could.
    """

    order: JobOrder
    owner: str
    nights: set[str]
    state: JobStateKind = "blocked"
    host: str | None = None
    serialno: str | None = None
    started_at_s: float = 0.0
    exit_status: int | None = None
    said: str = ""
    attempts: int = 0
    deaths: int = 0
    broke: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    impossible_since_s: float | None = None

    @property
    def ends_at_s(self) -> float:
        """When it is expected to end, while it runs."""
        return self.started_at_s + self.order.expected_s

    def start(self, host: str, serialno: str | None, now_s: float) -> None:
        """It was given to a host."""
        self.state, self.host, self.serialno, self.started_at_s = "running", host, serialno, now_s
        self.attempts += 1

    def wait(self, said: str) -> None:
        """It has to be given to a host again."""
        self.state, self.said = "waiting", said

    def end(self, state: JobStateKind, exit_status: int | None, said: str = "") -> None:
        """It is over."""
        self.state, self.exit_status, self.said = state, exit_status, said

    def waiting(self, behind_s: float) -> Waiting:
        """As placement sees it while it waits."""
        return Waiting(
            self.order.job.key,
            self.order.demand,
            self.order.expected_s,
            self.owner,
            behind_s,
            frozenset(self.broke),
            frozenset(self.refused),
            self.order.job.nightly_name,
        )

    def running(self) -> Running:
        """As placement sees it while it runs."""
        key = self.order.job.key
        return Running(key, self.order.demand, self.ends_at_s, self.owner, self.serialno)

    def has_another_phone(self, hosts: Iterable[Host]) -> bool:
        """Whether there is a phone for it besides the one that it has and those that broke."""
        tried = {*self.broke, self.serialno}
        return any(
            suits(self.order.demand, phone) and phone.serialno not in tried
            for host in hosts
            if host.name not in self.refused
            for phone in host.phones
        )

    def is_tried_out(self, hosts: Iterable[Host]) -> bool:
        """Whether all that could run it were tried: hosts refused, or phones broke."""
        demand = self.order.demand
        there = (reaching(host, demand.store) for host in hosts)
        able = [host for host in there if can_ever_run(demand, host)]
        if not able or not (self.refused or self.broke):
            return False
        left = [host for host in able if host.name not in self.refused]
        if demand.soc is None:
            return not left
        return not any(
            suits(demand, phone) and phone.serialno not in self.broke
            for host in left
            for phone in host.phones
        )
