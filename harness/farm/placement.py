"""Which waiting job starts where: a pure function of what waits, what runs and what hosts have.

Longest first among the jobs of one owner, whose jobs others wait for counted with them (Graham,
"Bounds on Multiprocessing Timing Anomalies", 1969); owners in turn, who got least first; and for
a job that needs more of a host than is free now, that host is kept from all that would end later
than it could begin (backfilling as of Lifka, "The ANL/IBM SP Scheduling System", 1995).
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.farm.demand import Demand, Host, OfferedPhone, can_ever_run, suits
from harness.farm.host_load import HostLoad, Running, Waiting, fits


@dataclass(frozen=True)
class Start:
    """A job that starts now.

    Attributes:
        key: Of the job.
        host: Name of its host.
        serialno: Its phone; None without.
    """

    key: str
    host: str
    serialno: str | None = None


def place(
    waiting: Iterable[Waiting],
    hosts: Iterable[Host],
    running: Mapping[str, Sequence[Running]],
    served_s: Mapping[str, float],
    now_s: float,
) -> tuple[Start, ...]:
    """Decide what starts now.

    Args:
        waiting: Jobs whose own conditions are met.
        hosts: That are there.
        running: What runs, by host.
        served_s: Seconds that each owner's jobs had so far.
        now_s: The time, on any clock.

    Returns:
        Jobs in the order in which they start; all of them may start at once.
    """
    loads = [HostLoad(host, list(running.get(host.name, ()))) for host in hosts]
    queues = _queues(waiting)
    served = defaultdict(float, served_s)
    hopeless: set[tuple[Demand, frozenset[str], frozenset[str]]] = set()
    kept_until_s = now_s
    starts: list[Start] = []
    while queues:
        owner = min(queues, key=lambda name: (served[name], name))
        job = queues[owner].pop()
        if not queues[owner]:
            del queues[owner]
        kind = (job.demand, job.broke, job.refused)
        # A shorter one of its kind may still end before a host that is kept is needed.
        if kind in hopeless and now_s + job.expected_s > kept_until_s:
            continue
        start = _start(job, loads, now_s)
        if start is None:
            if kind not in hopeless:
                _keep_a_host(job, loads, now_s)
                kept = (load.kept_until_s for load in loads if load.kept_until_s is not None)
                kept_until_s = max(kept, default=now_s)
            hopeless.add(kind)
            continue
        starts.append(start)
        served[owner] += job.expected_s
    return tuple(starts)


def _queues(waiting: Iterable[Waiting]) -> dict[str, list[Waiting]]:
    """Jobs by owner, those to start first last."""
    queues: dict[str, list[Waiting]] = defaultdict(list)
    for job in waiting:
        queues[job.owner].append(job)
    for queue in queues.values():
        queue.sort(key=lambda job: (job.expected_s + job.behind_s, job.key))
    return dict(queues)


def _start(job: Waiting, loads: Sequence[HostLoad], now_s: float) -> Start | None:
    """Start a job on the host that it fits best, if there is one."""
    ends_at_s = now_s + job.expected_s
    usual = _usual_phone(job, loads)
    best: tuple[tuple[float, ...], HostLoad, OfferedPhone | None] | None = None
    for load in loads:
        if load.host.name in job.refused:
            continue
        if load.kept_until_s is not None and ends_at_s > load.kept_until_s:
            continue
        phones = load.free_phones(job) if job.demand.soc else []
        if (job.demand.soc and not phones) or not fits(job.demand, load.host, load.running):
            continue
        phone = next(
            (one for one in phones if one.serialno == usual), phones[0] if phones else None
        )
        rank = _rank(load, phone, usual)
        if best is None or rank < best[0]:
            best = rank, load, phone
    if best is None:
        return None
    _, load, phone = best
    serialno = phone.serialno if phone else None
    load.add(Running(job.key, job.demand, ends_at_s, job.owner, serialno))
    return Start(job.key, load.host.name, serialno)


def _usual_phone(job: Waiting, loads: Sequence[HostLoad]) -> str | None:
    """Phone that a job meets every night, busy or not: that of the best rank with its name.

    The rank depends on the two alone (rendezvous hashing), so that a phone that is missing, or new,
    moves few others.
    """
    if job.demand.soc is None:
        return None
    serials = (
        phone.serialno
        for load in loads
        for phone in load.host.phones
        if suits(job.demand, phone) and phone.serialno not in job.broke
    )
    return max(serials, key=lambda one: zlib.crc32(f"{job.name} {one}".encode()), default=None)


def _rank(load: HostLoad, phone: OfferedPhone | None, usual: str | None) -> tuple[float, ...]:
    """Lower is better: its usual phone, then where most is free.

    What needs no phone goes where no phones are measured, then where the most processors are free,
    then where the least memory is taken from those that need much.
    """
    if phone is not None:
        return (phone.serialno != usual, len(load.running) / len(load.host.phones))
    busy = sum(one.demand.cores for one in load.running) / load.host.cores
    return (len(load.host.phones), busy, load.host.memory_gib)


def _keep_a_host(job: Waiting, loads: Sequence[HostLoad], now_s: float) -> None:
    """Keep the host where a job could begin first from what would end later than that.

    Nothing is kept for a job that waits for a phone alone: others that run there are no hindrance.
    """
    begins = [
        (begins_at_s, load)
        for load in loads
        if load.kept_until_s is None
        and load.host.name not in job.refused
        and can_ever_run(job.demand, load.host)
        and (not job.demand.soc or load.free_phones(job))
        and (begins_at_s := _begins_at_s(job.demand, load, now_s)) is not None
    ]
    if begins:
        begins_at_s, load = min(begins, key=lambda one: (one[0], one[1].host.name))
        load.kept_until_s = begins_at_s


def _begins_at_s(demand: Demand, load: HostLoad, now_s: float) -> float | None:
    """When enough of what runs on a host will have ended."""
    left = sorted(load.running, key=lambda one: one.ends_at_s)
    at_s = now_s
    while left and not fits(demand, load.host, left):
        at_s = max(at_s, left.pop(0).ends_at_s)
    return at_s if fits(demand, load.host, left) else None
