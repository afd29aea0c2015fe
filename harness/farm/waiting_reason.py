"""Why a job waits, in a sentence: the one who asked wants to know whether that will ever end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.errors import listed
from harness.farm.demand import Demand, Host, can_ever_run, reaching, suits
from harness.farm.host_load import Running, fits


def impossible(demand: Demand, hosts: Iterable[Host]) -> str | None:
    """What no host of a farm has; None where one could run it if it did nothing else."""
    # A host that reaches no store now may do so later.
    there = [reaching(host, demand.store) for host in hosts]
    if not there:
        return "no host has joined the farm"
    if any(can_ever_run(demand, host) for host in there):
        return None
    if demand.soc is not None:
        phones = [phone for host in there for phone in host.phones]
        alike = [phone for phone in phones if phone.soc == demand.soc]
        if not alike:
            socs = sorted({phone.soc for phone in phones})
            others = f"those of the farm have {listed(socs)}" if socs else "the farm has no phone"
            return f"no phone has {demand.soc}: {others}"
        if not any(suits(demand, phone) for phone in alike):
            aside = {phone.aside for phone in alike if phone.aside}
            why = "; ".join(sorted(aside)) or f"none is labelled {listed(sorted(demand.labels))}"
            return f"none of {len(alike)} phones with {demand.soc} takes jobs ({why})"
    if demand.qnn is not None and not any(host.qnn == demand.qnn for host in there):
        return f"no host has QNN {demand.qnn}"
    if demand.commit is not None and not any(host.commit == demand.commit for host in there):
        return f"no host has commit {demand.commit[:12]}"
    if demand.store is not None and not any(host.store == demand.store for host in there):
        stores = listed(sorted({host.store for host in there if host.store}))
        return f"its store is {demand.store} and hosts have {stores}; give all one --store"
    memory_gib = max(host.memory_gib for host in there)
    if demand.memory_gib > memory_gib:
        return f"it takes {demand.memory_gib:.1f} GiB, and no host has more than {memory_gib:.1f}"
    return "no host has all that it needs: phone, QNN, commit, store, memory and processors"


def reason_of(
    demand: Demand,
    broke: frozenset[str],
    refused: frozenset[str],
    hosts: Iterable[Host],
    running: Mapping[str, Sequence[Running]],
) -> str:
    """Why a job waits.

    Args:
        demand: What it takes.
        broke: Phones that broke under it.
        refused: Hosts that refused it.
        hosts: Of the farm.
        running: What runs, by host.
    """
    there = list(hosts)
    never = impossible(demand, there)
    if never is not None:
        return never
    able = [host for host in there if can_ever_run(demand, host) and host.name not in refused]
    if not able:
        but = " and did not refuse it" if refused else ""
        return f"no host that could run it{but} reaches the store {demand.store} now"
    if demand.soc is not None:
        fit = [phone for host in able for phone in host.phones if suits(demand, phone)]
        left = [phone for phone in fit if phone.serialno not in broke]
        if not left:
            return f"all {len(fit)} phones with {demand.soc} broke under it"
        busy = {one.serialno for jobs in running.values() for one in jobs}
        if all(phone.serialno in busy for phone in left):
            return f"all {len(left)} phones with {demand.soc} are busy"
    if any(fits(demand, host, running.get(host.name, ())) for host in able):
        return "other jobs go first"
    if demand.measures:
        return "it measures time, and hosts that could run it are busy"
    return "hosts that could run it are busy"
