"""Where a farm ran a run's sessions, and how busy its hosts and phones were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.results.rows.session import FarmStay
from harness.results.run import Run
from reports.wording import took

_SEEN_S = 1.0
"""Wait of which anybody wants to know the reason."""


@dataclass(frozen=True)
class Bar:
    """A job in its lane.

    Attributes:
        suite: Which suite it was of; decides its colour.
        left_percent: Where it begins, of the lane's length.
        width_percent: How long it is.
        told: What it was, for whoever points at it.
    """

    suite: str
    left_percent: float
    width_percent: float
    told: str


@dataclass(frozen=True)
class FarmLane:
    """A phone, or one of the jobs that a host runs at a time.

    Attributes:
        name: Host, and phone if any.
        bars: Its jobs.
        busy: Share of the night that it had one.
    """

    name: str
    bars: tuple[Bar, ...]
    busy: float


@dataclass(frozen=True)
class FarmJob:
    """A job as the table shows it; what it waited for is empty where nobody said."""

    name: str
    host: str
    serialno: str | None
    began: str
    took: str
    is_earlier: bool
    waited: str
    waited_for: str


@dataclass(frozen=True)
class SpreadNight:
    """A run that a farm ran.

    Attributes:
        lanes: In the order of hosts and phones; without jobs that had ended before.
        jobs: All of them, as they began.
        suites: Of the lanes, for their legend.
        took: From the first begin to the last end.
        earlier: Jobs that had ended before the run asked for them.
    """

    lanes: tuple[FarmLane, ...]
    jobs: tuple[FarmJob, ...]
    suites: tuple[str, ...]
    took: str
    earlier: int


def farm_night(run: Run) -> SpreadNight | None:
    """What a farm did for a run; None without one."""
    stays = sorted(
        (row.farm for row in run.controllers if row.farm is not None),
        key=lambda stay: (stay.began_at, stay.key),
    )
    if not stays:
        return None
    tonight = [stay for stay in stays if not stay.is_earlier]
    began = min((stay.began_at for stay in tonight), default=stays[0].began_at)
    ended = max((stay.ended_at for stay in tonight), default=began)
    return SpreadNight(
        lanes=tuple(_lanes(tonight, began, ended)),
        jobs=tuple(_job(stay) for stay in stays),
        suites=tuple(sorted({_suite(stay) for stay in tonight})),
        took=took((ended - began).total_seconds()),
        earlier=len(stays) - len(tonight),
    )


def _lanes(stays: Sequence[FarmStay], began: datetime, ended: datetime) -> list[FarmLane]:
    """A lane per phone; jobs without one in as many lanes as their host ran at a time."""
    lanes: dict[tuple[str, str, int], list[FarmStay]] = defaultdict(list)
    for stay in stays:
        number = 0
        while _overlaps(lanes[stay.host, stay.serialno or "", number], stay):
            number += 1
        lanes[stay.host, stay.serialno or "", number].append(stay)
    whole_s = max((ended - began).total_seconds(), 1e-3)
    return [
        FarmLane(
            " · ".join(filter(None, (host, serialno))),
            tuple(_bar(stay, began, whole_s) for stay in jobs),
            sum(_took_s(stay) for stay in jobs) / whole_s,
        )
        for (host, serialno, _), jobs in sorted(lanes.items())
    ]


def _overlaps(jobs: Sequence[FarmStay], stay: FarmStay) -> bool:
    return any(one.began_at < stay.ended_at and stay.began_at < one.ended_at for one in jobs)


def _bar(stay: FarmStay, began: datetime, whole_s: float) -> Bar:
    return Bar(
        _suite(stay),
        100 * (stay.began_at - began).total_seconds() / whole_s,
        100 * _took_s(stay) / whole_s,
        f"{stay.job}, {took(_took_s(stay))}",
    )


def _job(stay: FarmStay) -> FarmJob:
    return FarmJob(
        stay.job,
        stay.host,
        stay.serialno,
        f"{stay.began_at:%Y-%m-%d %H:%M:%S}",
        took(_took_s(stay)),
        stay.is_earlier,
        took(stay.waited_s),
        (stay.waited_for or "") if stay.waited_s >= _SEEN_S else "",
    )


def _suite(stay: FarmStay) -> str:
    return stay.job.partition(":")[0]


def _took_s(stay: FarmStay) -> float:
    return (stay.ended_at - stay.began_at).total_seconds()
