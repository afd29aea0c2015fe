"""What travels between those who ask for jobs, the scheduler and hosts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from harness.farm.demand import Demand
from harness.farm.job import Job


class JobOrder(BaseModel, frozen=True, extra="forbid"):
    """A job that somebody asks for.

    Attributes:
        job: What is to be done.
        demand: What that takes of a host.
        expected_s: How long it will take.
        after: Keys of jobs that must have ended well before it.
    """

    job: Job
    demand: Demand
    expected_s: float
    after: tuple[str, ...] = ()

    def kept_in(self, store: str) -> JobOrder:
        """The same, whose end belongs to a store."""
        return self.model_copy(update={"demand": self.demand.model_copy(update={"store": store})})


class FarmNight(BaseModel, frozen=True, extra="forbid"):
    """What one person's command asks for.

    Attributes:
        name: Unique: the id of its run.
        owner: Who gets a share of the farm by it.
        orders: Its jobs.
    """

    name: str
    owner: str
    orders: tuple[JobOrder, ...]


class Assignment(BaseModel, frozen=True, extra="forbid"):
    """A job for one host.

    Attributes:
        order: The job.
        serialno: The phone that it gets; None for none.
        takes_blocked: Whether an end as BLOCKED counts: other phones were tried, or there are none.
    """

    order: JobOrder
    serialno: str | None = None
    takes_blocked: bool = False


OutcomeKind = Literal["stored", "phone broke", "died", "refused"]


class JobOutcome(BaseModel, frozen=True, extra="forbid"):
    """What became of an assignment.

    Attributes:
        kind: ``stored`` if its end is in the store; ``phone broke`` if its phone was gone
            afterwards, or not fit; ``died`` if its process ended as none should; ``refused`` if its
            host lacks something, or it cannot be done as asked for anywhere.
        exit_status: Of its process; None if that never ended by itself.
        said: Why, in a sentence; empty for what is stored.
    """

    kind: OutcomeKind
    exit_status: int | None = None
    said: str = ""


JobStateKind = Literal["blocked", "waiting", "running", "stored", "failed"]


class JobState(BaseModel, frozen=True, extra="forbid"):
    """Where a job is, for progress and pages.

    Attributes:
        key: Of the job.
        described: The job in words.
        state: ``blocked`` behind another one, ``waiting`` for a host, ``running``, ``stored`` or
            ``failed``.
        host: Where it runs, or ran last; None before.
        serialno: On which phone; None without.
        exit_status: Of what is stored; None before.
        said: Why it waits or failed, or what happened to it before.
        attempts: How often it was started.
        cores: Processors that it keeps busy while it runs.
        memory_gib: Memory that it may take then.
    """

    key: str
    described: str
    state: JobStateKind
    host: str | None = None
    serialno: str | None = None
    exit_status: int | None = None
    said: str = ""
    attempts: int = 0
    cores: float = 0.0
    memory_gib: float = 0.0
