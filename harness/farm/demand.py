"""What a job takes of a host, and what hosts have."""

from __future__ import annotations

from pydantic import BaseModel, Field


class OfferedPhone(BaseModel, frozen=True, extra="forbid"):
    """A phone at a host.

    Attributes:
        serialno: What identifies it, at whichever host it is plugged in.
        soc: Its SoC.
        labels: Words of the laboratory's inventory that jobs may ask for.
        aside: Why it gets no jobs; None where it does.
    """

    serialno: str
    soc: str
    labels: frozenset[str] = frozenset()
    aside: str | None = None


class Host(BaseModel, frozen=True, extra="forbid"):
    """What a host offers.

    Attributes:
        name: Unique in the farm.
        cores: Processors that jobs may keep busy.
        memory_gib: Memory that jobs may take.
        phones: Attached to it and ready.
        qnn: Build of QNN's libraries here; None without.
        commit: Of the clone that its jobs are run from.
        store: What tells the store that it reaches from others; None while it reaches none.
    """

    name: str
    cores: float
    memory_gib: float
    phones: tuple[OfferedPhone, ...] = ()
    qnn: str | None = None
    commit: str | None = None
    store: str | None = None


class Demand(BaseModel, frozen=True, extra="forbid"):
    """What a job takes while it runs.

    Attributes:
        soc: SoC of the phone that it needs; None for none.
        labels: That this phone must have.
        cores: Processors that it keeps busy.
        memory_gib: Its peak.
        measures: Whether it measures time: on a phone, at a host that does nothing heavy
            meanwhile; without a phone, on a host that does nothing else.
        qnn: Build of QNN that it needs; None for any or none.
        commit: Of the clone that it must be run from; None for any.
        store: The store that its end belongs to; None for any.
    """

    soc: str | None = None
    labels: frozenset[str] = frozenset()
    cores: float = Field(default=1.0, ge=0)
    memory_gib: float = Field(default=1.0, ge=0)
    measures: bool = False
    qnn: str | None = None
    commit: str | None = None
    store: str | None = None

    @property
    def is_heavy(self) -> bool:
        """Whether it computes on the host, which times that phones measure would suffer from."""
        return self.soc is None

    @property
    def wants_host_alone(self) -> bool:
        """Whether nothing else may run on its host."""
        return self.measures and self.soc is None


def suits(demand: Demand, phone: OfferedPhone) -> bool:
    """Whether a phone is of the kind that a job needs, and gets jobs at all."""
    return phone.soc == demand.soc and demand.labels <= phone.labels and phone.aside is None


def can_ever_run(demand: Demand, host: Host) -> bool:
    """Whether a host that did nothing else could run it."""
    return (
        demand.cores <= host.cores
        and demand.memory_gib <= host.memory_gib
        and demand.qnn in (None, host.qnn)
        and demand.commit in (None, host.commit)
        and demand.store in (None, host.store)
        and (demand.soc is None or any(suits(demand, phone) for phone in host.phones))
    )


def reaching(host: Host, store: str | None) -> Host:
    """A host as it will be when it reaches the store again that it reaches not now."""
    return host if host.store is not None else host.model_copy(update={"store": store})
