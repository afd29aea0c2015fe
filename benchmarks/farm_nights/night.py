"""A night of a large laboratory, of what exports and sessions took where they were measured."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle, islice, product
from pathlib import Path

from harness.export.needs import known
from harness.farm.demand import Demand, Host, OfferedPhone
from harness.farm.job import Job
from harness.targets.registry import DEFAULT_REMOTE_TARGET
from harness.vocabulary import COMPONENTS, Mode, Precision

SESSIONS = Path(__file__).with_name("sessions.csv")

SOCS = {"SM8550": 4, "SM8650": 3, "SM8750": 2, "SM8850": 1}
"""Shares of phones: laboratories have more of the older ones."""
MODELS = ("smolvlm_500m", "internvl3_1b")
MODES: tuple[Mode, ...] = ("kv", "hybrid")
PRECISIONS: tuple[Precision, ...] = ("16a8w", "16a4w_block")
OWNERS = ("release", "kernels", "models")

EXPORT_CORES = 2.0
PHONE_SESSION_CORES = 0.25
"""A session on a phone waits for it nearly all of the time."""


@dataclass(frozen=True)
class NightJob:
    """A job of a simulated night.

    Attributes:
        key: Of the job.
        owner: Whose it is.
        demand: What it takes.
        expected_s: As measured.
        took_s: What it really takes.
        after: Key of the export that it waits for; None for none.
    """

    key: str
    owner: str
    demand: Demand
    expected_s: float
    took_s: float
    after: str | None = None


def make_hosts(phones: int, phones_per_host: int, builders: int) -> tuple[Host, ...]:
    """Hosts with phones, and hosts that have none and much memory."""
    shares = [soc for soc, share in SOCS.items() for _ in range(share)]
    socs = list(islice(cycle(shares), phones))
    serials = [OfferedPhone(serialno=f"P{at:04}", soc=soc) for at, soc in enumerate(socs)]
    groups = [serials[at : at + phones_per_host] for at in range(0, phones, phones_per_host)]
    with_phones = [
        Host(name=f"bench{at:03}", cores=4, memory_gib=16, phones=tuple(group))
        for at, group in enumerate(groups)
    ]
    exporting = [Host(name=f"builder{at:02}", cores=16, memory_gib=128) for at in range(builders)]
    return (*with_phones, *exporting)


def make_jobs(
    phones: int, judged_share: float, scatter: float, rng: random.Random
) -> tuple[NightJob, ...]:
    """Exports of every combination, and sessions of every suite on a share of the phones.

    Args:
        phones: In the laboratory.
        judged_share: Share of a SoC's phones that each artifact is judged on.
        scatter: Standard deviation of the logarithm of what a job takes over what is expected.
        rng: Says what each job really takes.
    """
    jobs: list[NightJob] = []
    owners = cycle(OWNERS)
    total = sum(SOCS.values())
    for model, mode, precision, soc in product(MODELS, MODES, PRECISIONS, SOCS):
        owner = next(owners)
        subject = Job(
            kind="export",
            commit="simulated",
            model=model,
            mode=mode,
            precision=precision,
            target=DEFAULT_REMOTE_TARGET,
            soc=soc,
        )
        memory_gib, export_s = _export_need(model, mode)
        demand = Demand(cores=EXPORT_CORES, memory_gib=memory_gib)
        jobs.append(_job(subject, owner, demand, export_s, scatter, rng))
        judged = max(1, round(phones * SOCS[soc] / total * judged_share))
        for suite, at in product(session_s(), range(judged)):
            session = subject.model_copy(update={"kind": "session", "suite": suite, "round": at})
            demand = Demand(soc=soc, cores=PHONE_SESSION_CORES, measures=suite == "perf")
            took = session_s()[suite]
            jobs.append(_job(session, owner, demand, took, scatter, rng, subject.key))
    return tuple(jobs)


def _job(
    job: Job,
    owner: str,
    demand: Demand,
    expected_s: float,
    scatter: float,
    rng: random.Random,
    after: str | None = None,
) -> NightJob:
    took_s = expected_s * rng.lognormvariate(0.0, scatter)
    return NightJob(job.key, owner, demand, expected_s, took_s, after)


def _export_need(model: str, mode: Mode) -> tuple[float, float]:
    """Memory in GiB of the largest component and seconds of all, as measured for phones.

    Encoders and token embeddings are the same in all modes, so some are measured in one alone.
    """
    mine = [row for row in known() if row.model == model and row.target == DEFAULT_REMOTE_TARGET]
    rows = [
        min((row for row in mine if row.component == component), key=lambda row: row.mode != mode)
        for component in COMPONENTS
    ]
    return max(row.peak_rss_mib for row in rows) / 1024, sum(row.export_s for row in rows)


@cache
def session_s() -> dict[str, float]:
    """Seconds of one session by suite, as measured on virtual phones."""
    with SESSIONS.open(newline="", encoding="utf-8") as file:
        return {row["suite"]: float(row["session_s"]) for row in csv.DictReader(file)}


def longest_chain_s(jobs: Sequence[NightJob]) -> Iterator[tuple[str, float]]:
    """For each export, the longest of the sessions that wait for it."""
    longest: dict[str, float] = {}
    for job in jobs:
        if job.after is not None:
            longest[job.after] = max(longest.get(job.after, 0.0), job.expected_s)
    yield from longest.items()
