"""A night passes: jobs end, and what ``harness.farm.placement`` says starts."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.farm_nights.night import NightJob, longest_chain_s
from harness.farm.demand import Host
from harness.farm.host_load import Running, Waiting
from harness.farm.placement import place

TICK_S = 1.0
"""A farm looks once a second for what can start."""


@dataclass(frozen=True)
class Passed:
    """A night that passed.

    Attributes:
        makespan_s: From its begin to the end of the last job.
        placed_s: Wall time that deciding took, of each look at what waits.
        owners_s: When each owner's last job ended.
        measured_beside: Jobs that measured time beside what they must not run beside.
    """

    makespan_s: float
    placed_s: tuple[float, ...]
    owners_s: dict[str, float]
    measured_beside: int


def pass_night(
    jobs: Sequence[NightJob],
    hosts: Sequence[Host],
    stopwatch: Callable[[], float],
    advance: Callable[[int], None] = lambda ended: None,
) -> Passed:
    """Let a night pass until all jobs have ended.

    Args:
        jobs: Of the night.
        hosts: Of the farm.
        stopwatch: Wall time, for what deciding takes.
        advance: Told how many jobs have ended.
    """
    by_key = {job.key: job for job in jobs}
    behind_s = dict(longest_chain_s(jobs))
    waiting = {job.key: _waiting(job, behind_s) for job in jobs if job.after is None}
    blocked: dict[str, list[NightJob]] = defaultdict(list)
    for job in jobs:
        if job.after is not None:
            blocked[job.after].append(job)
    running: dict[str, dict[str, Running]] = {host.name: {} for host in hosts}
    served_s: dict[str, float] = defaultdict(float)
    ends: list[tuple[float, str, str]] = []
    owners_s: dict[str, float] = {}
    placed_s: list[float] = []
    now_s, ended, beside = 0.0, 0, 0
    while waiting or ends:
        started = stopwatch()
        starts = place(
            waiting.values(),
            hosts,
            {name: tuple(jobs.values()) for name, jobs in running.items()},
            served_s,
            now_s,
        )
        placed_s.append(stopwatch() - started)
        for start in starts:
            job = by_key[start.key]
            del waiting[start.key]
            expected_end_s = now_s + job.expected_s
            running[start.host][job.key] = Running(
                job.key, job.demand, expected_end_s, job.owner, start.serialno
            )
            beside += _is_disturbed(running[start.host])
            served_s[job.owner] += job.expected_s
            heapq.heappush(ends, (now_s + job.took_s, job.key, start.host))
        assert ends, f"{len(waiting)} jobs wait, and nothing runs"
        now_s = max(ends[0][0], now_s + TICK_S)
        while ends and ends[0][0] <= now_s:
            at_s, key, host = heapq.heappop(ends)
            del running[host][key]
            owners_s[by_key[key].owner] = at_s
            ended += 1
            for job in blocked.pop(key, ()):
                waiting[job.key] = _waiting(job, behind_s)
        advance(ended)
    return Passed(max(owners_s.values()), tuple(placed_s), owners_s, beside)


def _waiting(job: NightJob, behind_s: dict[str, float]) -> Waiting:
    return Waiting(job.key, job.demand, job.expected_s, job.owner, behind_s.get(job.key, 0.0))


def _is_disturbed(running: dict[str, Running]) -> bool:
    """Whether somebody measures on this host beside what computes, or two share a phone."""
    demands = [one.demand for one in running.values()]
    serials = [one.serialno for one in running.values() if one.serialno]
    measures = any(one.measures for one in demands)
    return len(serials) != len(set(serials)) or (measures and any(d.is_heavy for d in demands))


def lower_bound_s(jobs: Sequence[NightJob], hosts: Sequence[Host]) -> float:
    """A time that no order of these jobs could beat, even one that knew what each takes.

    The largest of: the longest chain; what all jobs of a SoC take, spread over its phones without a
    gap, behind the shortest export; what all of them take of processors and of memory.
    """
    took_s = {job.key: job.took_s for job in jobs}
    chains = [job.took_s + took_s.get(job.after or "", 0.0) for job in jobs]
    bounds = [max(chains)]
    for soc in {job.demand.soc for job in jobs if job.demand.soc}:
        phones = sum(phone.soc == soc for host in hosts for phone in host.phones)
        mine = [job for job in jobs if job.demand.soc == soc]
        behind_s = min(took_s.get(job.after or "", 0.0) for job in mine)
        bounds.append(behind_s + sum(job.took_s for job in mine) / phones)
    cores = sum(host.cores for host in hosts)
    memory_gib = sum(host.memory_gib for host in hosts)
    bounds.append(sum(job.took_s * job.demand.cores for job in jobs) / cores)
    bounds.append(sum(job.took_s * job.demand.memory_gib for job in jobs) / memory_gib)
    return max(bounds)
