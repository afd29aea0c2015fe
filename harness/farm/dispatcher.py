"""What a farm's scheduler knows and decides. Plain Python: no network, no clock of its own.

All of it is lost with the scheduler's process and comes back from those who ask, who repeat what
they want; from hosts, which tell what they run; and from the store, which knows what ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.farm.demand import Host
from harness.farm.order import Assignment, FarmNight, JobOrder, JobOutcome, JobState, JobStateKind
from harness.farm.placement import Running, Waiting, place
from harness.farm.waiting_reason import reason_of

MOST_DEATHS = 3
"""Times that a job's own process may die before it is taken for the job's fault."""


@dataclass
class _Tracked:
    """A job that somebody asked for."""

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


class Dispatcher:
    """Jobs of all nights, and the hosts that they are given to."""

    def __init__(self) -> None:
        self._jobs: dict[str, _Tracked] = {}
        self._hosts: dict[str, Host] = {}
        self._served_s: dict[str, float] = defaultdict(float)
        self._told: dict[str, tuple[Assignment, ...]] = {}

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Those that are there, by name."""
        return self._hosts

    def submit(self, night: FarmNight, stored: Mapping[str, int]) -> None:
        """Take what somebody asks for; what is known already stays as it is.

        Args:
            night: Jobs; one that waits for another is asked for with that one.
            stored: Exit status of those whose end the store knows, by key.
        """
        for order in night.orders:
            key = order.job.key
            if key in self._jobs:
                self._jobs[key].nights.add(night.name)
            else:
                self._jobs[key] = _Tracked(order, night.owner, {night.name})
            if key in stored:
                self._end(self._jobs[key], "stored", stored[key])
        self._unblock()

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
        self._hosts[host.name] = host
        self._told[host.name] = tuple(one for one in running if not self._knows(host.name, one))

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
                    self._start(one, host, assignment.serialno, now_s)
                    adopted.append((host, assignment))
            self._told[host] = tuple(one for one in told if not self._knows(host, one))
        return adopted

    def _knows(self, host: str, assignment: Assignment) -> bool:
        one = self._jobs.get(assignment.order.job.key)
        return one is not None and one.state == "running" and one.host == host

    def host_left(self, name: str) -> None:
        """Give a host's jobs to others: their processes end with it."""
        self._hosts.pop(name, None)
        self._told.pop(name, None)
        for one in self._jobs.values():
            if one.state == "running" and one.host == name:
                self._back(one, f"{name} was lost")

    def ended(self, key: str, host: str, outcome: JobOutcome, now_s: float) -> None:
        """Hear what became of an assignment; that of a host that was given up for lost, too."""
        one = self._jobs.get(key)
        if one is None or one.state in ("stored", "failed"):
            return
        if outcome.kind == "stored":
            assert outcome.exit_status is not None
            self._serve(one, now_s)
            self._end(one, "stored", outcome.exit_status)
            self._unblock()
            return
        if one.state != "running" or one.host != host:
            return
        self._serve(one, now_s)
        if outcome.kind == "phone broke" and one.serialno is not None:
            one.broke.add(one.serialno)
            self._back(one, f"{one.serialno} broke under it: {outcome.said}")
            return
        one.deaths += outcome.kind == "died"
        if outcome.kind == "refused" or one.deaths >= MOST_DEATHS:
            self._end(one, "failed", outcome.exit_status, outcome.said)
            self._fail_dependents()
        else:
            self._back(one, outcome.said)

    def assignments(self, now_s: float) -> list[tuple[str, Assignment]]:
        """Decide what starts now, by host; it counts as running from here on."""
        waiting = [self._waiting(key, one) for key, one in self._jobs.items() if _waits(one)]
        if not waiting:
            return []
        starts = place(waiting, self._hosts.values(), self._running(), self._served_s, now_s)
        assigned = []
        for start in starts:
            one = self._jobs[start.key]
            self._start(one, start.host, start.serialno, now_s)
            given = Assignment(order=one.order, serialno=start.serialno)
            assigned.append((start.host, given))
        return assigned

    def states(self, night: str | None = None) -> tuple[JobState, ...]:
        """Where the jobs of a night are, or all."""
        running = self._running()
        return tuple(
            JobState(
                key=key,
                described=one.order.job.described,
                state=one.state,
                host=one.host,
                serialno=one.serialno,
                exit_status=one.exit_status,
                said=self._said(one, running),
                attempts=one.attempts,
            )
            for key, one in self._jobs.items()
            if night is None or night in one.nights
        )

    def _said(self, one: _Tracked, running: Mapping[str, list[Running]]) -> str:
        if not _waits(one):
            return one.said
        why = reason_of(one.order.demand, frozenset(one.broke), self._hosts.values(), running)
        return "; ".join(filter(None, (one.said, why)))

    def _waiting(self, key: str, one: _Tracked) -> Waiting:
        return Waiting(
            key,
            one.order.demand,
            one.order.expected_s,
            one.owner,
            self._behind_s.get(key, 0.0),
            frozenset(one.broke),
            one.order.job.nightly_name,
        )

    @property
    def _behind_s(self) -> dict[str, float]:
        """Longest job that waits for each; chains are one link long, an export and its sessions."""
        longest: dict[str, float] = defaultdict(float)
        for one in self._jobs.values():
            if one.state == "blocked":
                for key in one.order.after:
                    longest[key] = max(longest[key], one.order.expected_s)
        return longest

    def _running(self) -> dict[str, list[Running]]:
        running: dict[str, list[Running]] = defaultdict(list)
        for key, one in self._jobs.items():
            if one.state == "running" and one.host is not None:
                ends_at_s = one.started_at_s + one.order.expected_s
                running[one.host].append(
                    Running(key, one.order.demand, ends_at_s, one.owner, one.serialno)
                )
        for host, told in self._told.items():
            # Nobody here asked for it, and still it takes its phone and memory.
            running[host] += [
                Running(one.order.job.key, one.order.demand, 0.0, serialno=one.serialno)
                for one in told
            ]
        return running

    def _start(self, one: _Tracked, host: str, serialno: str | None, now_s: float) -> None:
        one.state, one.host, one.serialno, one.started_at_s = "running", host, serialno, now_s
        one.attempts += 1

    def _back(self, one: _Tracked, said: str) -> None:
        one.state, one.said = "waiting", said

    def _end(
        self, one: _Tracked, state: JobStateKind, exit_status: int | None, said: str = ""
    ) -> None:
        one.state, one.exit_status, one.said = state, exit_status, said

    def _serve(self, one: _Tracked, now_s: float) -> None:
        if one.state == "running":
            self._served_s[one.owner] += now_s - one.started_at_s

    def _unblock(self) -> None:
        """Let those wait for a host whose exports are there; an export that ended badly is none."""
        self._fail_dependents()
        for one in self._jobs.values():
            if one.state == "blocked" and all(map(self._is_there, one.order.after)):
                one.state = "waiting"

    def _is_there(self, key: str) -> bool:
        one = self._jobs.get(key)
        return one is not None and one.state == "stored" and one.exit_status == 0

    def _fail_dependents(self) -> None:
        for one in self._jobs.values():
            for key in one.order.after if one.state == "blocked" else ():
                other = self._jobs.get(key)
                if other is None:
                    self._end(one, "failed", None, f"nobody asked for {key}, which it needs")
                elif other.state == "failed" or (other.state == "stored" and other.exit_status):
                    said = f"{other.order.job.described} did not end well"
                    self._end(one, "failed", None, said)


def _waits(one: _Tracked) -> bool:
    return one.state == "waiting"
