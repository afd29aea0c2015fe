"""What a farm's scheduler knows and decides. Plain Python: no network, no clock of its own.

All of it is lost with the scheduler's process and comes back from those who ask, who repeat what
they want; from hosts, which tell what they run; and from the store, which knows what ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from harness.farm.demand import Demand, Host
from harness.farm.host_load import Running
from harness.farm.order import Assignment, FarmNight, JobOutcome, JobState
from harness.farm.placement import place
from harness.farm.tracked_job import TrackedJob
from harness.farm.waiting_reason import impossible, reason_of

MOST_DEATHS = 3
"""Times that a job's own process may die before it is taken for the job's fault."""
MOST_UNFIT = 2
"""Phones that may be unfit for a job before an end as BLOCKED counts."""
IMPOSSIBLE_S = 60.0
"""In which a host may still join that can run what no other can."""
_LOOK_S = 5.0
"""After which it is looked again what can start, though nothing happened but that time passed."""

_Wanted = tuple[Demand, frozenset[str], frozenset[str]]
"""What jobs want that wait for the same: phones that broke and hosts that refused with it."""


class Dispatcher:
    """Jobs of all nights, and the hosts that they are given to."""

    def __init__(self) -> None:
        self._jobs: dict[str, TrackedJob] = {}
        self._hosts: dict[str, Host] = {}
        self._served_s: dict[str, float] = defaultdict(float)
        self._told: dict[str, tuple[Assignment, ...]] = {}
        self._look_at_s = 0.0

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Those that are there, by name."""
        return self._hosts

    def submit(self, night: FarmNight, stored: Mapping[str, int]) -> None:
        """Take what somebody asks for.

        What runs or waits already is asked for once more; what failed on an earlier night is tried
        anew, and so is what the store has lost.

        Args:
            night: Jobs; one that waits for another is asked for with that one.
            stored: Exit status of those whose end the store knows, by key.
        """
        for order in night.orders:
            key = order.job.key
            known = self._jobs.get(key)
            is_over = known is not None and known.state in ("stored", "failed")
            if known is None or (is_over and night.name not in known.nights):
                nights = {night.name} if known is None else {night.name, *known.nights}
                known = self._jobs[key] = TrackedJob(order, night.owner, nights)
            known.nights.add(night.name)
            if key in stored:
                known.end("stored", stored[key])
        self._unblock()
        self._look_at_s = 0.0

    def forget(self, night: str) -> None:
        """Drop what nobody but this night wants; what runs goes on to its end, which is stored."""
        for key, one in list(self._jobs.items()):
            one.nights.discard(night)
            if not one.nights and one.state != "running":
                del self._jobs[key]

    def host_reports(self, host: Host, running: Iterable[Assignment]) -> None:
        """Hear what a host offers and does now.

        Args:
            host: What it offers.
            running: What it does, whoever asked for that.
        """
        told = tuple(running)
        if (self._hosts.get(host.name), self._told.get(host.name)) != (host, told):
            self._look_at_s = 0.0
        self._hosts[host.name] = host
        self._told[host.name] = told

    def adopt(self, now_s: float) -> list[tuple[str, Assignment]]:
        """Take over what hosts do already of what is wanted, as after a scheduler died.

        Returns:
            What they do, by host, so that somebody waits for its outcome again.
        """
        adopted = []
        for host, told in self._told.items():
            for assignment in told:
                one = self._jobs.get(assignment.order.job.key)
                if one is not None and one.state in ("blocked", "waiting"):
                    one.start(host, assignment.serialno, now_s)
                    adopted.append((host, assignment))
        return adopted

    def host_left(self, name: str) -> None:
        """Give a host's jobs to others; if it still does them, the first end that is stored counts.

        Args:
            name: Of the host.
        """
        self._hosts.pop(name, None)
        self._told.pop(name, None)
        self._look_at_s = 0.0
        for one in self._jobs.values():
            if one.state == "running" and one.host == name:
                one.wait(f"{name} was lost")

    def ended(self, key: str, host: str, outcome: JobOutcome, now_s: float) -> None:
        """Hear what became of an assignment; that of a host that was given up for lost, too."""
        one = self._jobs.get(key)
        if one is None or one.state in ("stored", "failed"):
            return
        self._look_at_s = 0.0
        # What its host told last may be older than this.
        told = self._told.get(host, ())
        self._told[host] = tuple(given for given in told if given.order.job.key != key)
        is_its_own = one.state == "running" and one.host == host
        if is_its_own:
            self._served_s[one.owner] += now_s - one.started_at_s
        if outcome.kind == "stored":
            one.end("stored", outcome.exit_status)
            self._unblock()
        elif is_its_own:
            self._failed_once(one, host, outcome)
        if not one.nights:
            del self._jobs[key]

    def _failed_once(self, one: TrackedJob, host: str, outcome: JobOutcome) -> None:
        """Try a job elsewhere, or give it up."""
        one.wait(outcome.said)
        if outcome.kind == "phone broke" and one.serialno is not None:
            one.broke.add(one.serialno)
            one.wait(f"{one.serialno} broke under it: {outcome.said}")
        elif outcome.kind == "refused":
            one.refused.add(host)
        else:
            one.deaths += 1
        if one.deaths >= MOST_DEATHS or one.is_tried_out(self._hosts.values()):
            one.end("failed", outcome.exit_status, one.said)
            self._unblock()

    def assignments(self, now_s: float) -> list[tuple[str, Assignment]]:
        """Decide what starts now, by host; it counts as running from here on."""
        self._give_up(now_s)
        if now_s < self._look_at_s:
            return []
        self._look_at_s = now_s + _LOOK_S
        behind_s = self._behind_s()
        waiting = [
            one.waiting(behind_s.get(key, 0.0))
            for key, one in self._jobs.items()
            if one.state == "waiting"
        ]
        if not waiting:
            return []
        starts = place(waiting, self._hosts.values(), self._running(), self._served_s, now_s)
        assigned = []
        for start in starts:
            one = self._jobs[start.key]
            one.start(start.host, start.serialno, now_s)
            is_last = len(one.broke) >= MOST_UNFIT
            is_last = is_last or not one.has_another_phone(self._hosts.values())
            given = Assignment(
                order=one.order,
                serialno=start.serialno,
                takes_blocked=start.serialno is not None and is_last,
            )
            assigned.append((start.host, given))
        return assigned

    def states(self, night: str | None = None) -> tuple[JobState, ...]:
        """Where the jobs of a night are, or all."""
        running = self._running()
        told: dict[_Wanted, str] = {}
        return tuple(
            JobState(
                key=key,
                described=one.order.job.described,
                state=one.state,
                host=one.host,
                serialno=one.serialno,
                exit_status=one.exit_status,
                said=self._said(one, running, told),
                attempts=one.attempts,
                cores=one.order.demand.cores,
                memory_gib=one.order.demand.memory_gib,
            )
            for key, one in self._jobs.items()
            if night is None or night in one.nights
        )

    def _knows(self, host: str, assignment: Assignment) -> bool:
        one = self._jobs.get(assignment.order.job.key)
        return one is not None and one.state == "running" and one.host == host

    def _said(
        self,
        one: TrackedJob,
        running: Mapping[str, list[Running]],
        told: dict[_Wanted, str],
    ) -> str:
        """Why a job is where it is; those that want the same wait for the same."""
        if one.state != "waiting":
            return one.said
        kind = (one.order.demand, frozenset(one.broke), frozenset(one.refused))
        if kind not in told:
            told[kind] = reason_of(*kind, self._hosts.values(), running)
        return "; ".join(filter(None, (one.said, told[kind])))

    def _give_up(self, now_s: float) -> None:
        """End what no host can run, a while after the first host was there."""
        told: dict[Demand, str | None] = {}
        for one in self._jobs.values() if self._hosts else ():
            if one.state != "waiting":
                continue
            demand = one.order.demand
            if demand not in told:
                told[demand] = impossible(demand, self._hosts.values())
            why = told[demand]
            if why is None:
                one.impossible_since_s = None
            elif one.impossible_since_s is None:
                one.impossible_since_s = now_s
            elif now_s - one.impossible_since_s >= IMPOSSIBLE_S:
                one.end("failed", None, "; ".join(filter(None, (one.said, why))))
        self._unblock()

    def _behind_s(self) -> Mapping[str, float]:
        """Longest job that waits for each; chains are one link long, an export and its sessions."""
        longest: dict[str, float] = defaultdict(float)
        for one in self._jobs.values():
            for key in one.order.after if one.state == "blocked" else ():
                longest[key] = max(longest[key], one.order.expected_s)
        return longest

    def _running(self) -> dict[str, list[Running]]:
        running: dict[str, list[Running]] = defaultdict(list)
        for one in self._jobs.values():
            if one.state == "running" and one.host is not None:
                running[one.host].append(one.running())
        for host, told in self._told.items():
            # Nobody here asked for it, and still it takes its phone and memory.
            running[host] += [
                Running(one.order.job.key, one.order.demand, 0.0, serialno=one.serialno)
                for one in told
                if not self._knows(host, one)
            ]
        return running

    def _unblock(self) -> None:
        """Let those wait for a host whose exports are there; an export that ended badly is none."""
        for one in self._jobs.values():
            if one.state != "blocked":
                continue
            needed = [self._jobs.get(key) for key in one.order.after]
            if bad := [other for other in needed if _ended_badly(other)]:
                told = bad[0].order.job.described if bad[0] else "an export that nobody asked for"
                one.end("failed", None, f"{told} did not end well")
            elif all(other is not None and other.state == "stored" for other in needed):
                one.wait("")


def _ended_badly(one: TrackedJob | None) -> bool:
    return one is None or one.state == "failed" or (one.state == "stored" and one.exit_status != 0)
