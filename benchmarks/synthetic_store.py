"""A results folder of made-up nights: what a report of a year's work has to cope with.

Every row is written by the real journal. Nothing here was measured anywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks import synthetic_rows
from harness.measure.verdict import Status
from harness.results.journal import Journal
from harness.results.rows.schema import (
    DeviceRow,
    HostInfo,
    OutcomeRow,
    QuarantineRow,
    Row,
    SessionEndRow,
    SessionRow,
)

LAST_NIGHT = datetime(2026, 11, 23, 2, 15, 3, tzinfo=UTC)


_STEADY = 1000
"""Nights ago at which nothing had changed yet."""


@dataclass(frozen=True)
class Store:
    """How much to make up.

    Attributes:
        nights: Runs, one per day.
        further_verdicts: Further verdicts of the last night, each of an artifact of its own.
        images: Pictures that the last night asked about.
        slowed: Whether one speed falls on one phone and a runner crashes, so that nights are red.
        seed: Of everything that scatters.
    """

    nights: int
    further_verdicts: int = 0
    images: int = 12
    slowed: bool = True
    seed: int = 7


def write_store(results: Path, store: Store) -> Path:
    """Write all runs below ``results``.

    Returns: Folder of the last run.
    """
    random = np.random.default_rng(store.seed)
    for nights_ago in reversed(range(store.nights)):
        started = LAST_NIGHT - timedelta(days=nights_ago)
        folder = results / f"{started:%Y%m%dT%H%M%SZ}-{nights_ago:06x}"
        with Journal(folder, "main") as journal:
            journal.append(_session(folder.name, started, nights_ago))
            for row in _night(nights_ago if store.slowed else _STEADY, started, random):
                journal.append(row)
            if nights_ago == 0:
                for row in _last_night(journal, store, random):
                    journal.append(row)
            status = 1 if store.slowed and nights_ago < 6 else 0
            ended = started + timedelta(hours=2)
            journal.append(SessionEndRow(exit_status=status, ended_at=ended))
    return folder


def _session(run_id: str, started: datetime, nights_ago: int) -> SessionRow:
    commit = hashlib.sha1(f"{nights_ago // 4}".encode()).hexdigest()
    return SessionRow(
        run_id=run_id,
        started_at=started,
        argv=("/usr/bin/pytest", "-m", "perf or accuracy", "--target", "phone"),
        options={"model": ["tiny_smolvlm", "tiny_internvl3"], "target": "phone", "runs": None},
        versions={
            "python": "3.11.9",
            "executorch": "1.5.1" if nights_ago < 4 else "1.5.0",
            "torch": "2.13.0",
            "numpy": "2.3.1",
        },
        host=HostInfo(cpu_model="Made-up CPU", cores=8, memory_mib=32768, os="Linux 6.1 x86_64"),
        git_commit=commit,
        worker="main",
    )


def _night(nights_ago: int, started: datetime, random: np.random.Generator) -> Iterator[Row]:
    for number, place in enumerate(synthetic_rows.ALL_PLACES):
        at = started + timedelta(minutes=2 * number)
        yield _device(place, nights_ago, at)
        for metric in synthetic_rows.LEVELS:
            level = place.level(metric, nights_ago) * random.normal(1.0, 0.006)
            values = level * random.normal(1.0, 0.015, synthetic_rows.SAMPLES)
            yield from synthetic_rows.sample_rows(place, metric, values, at)
            yield synthetic_rows.verdict_row(place, metric, values, at)
        yield from synthetic_rows.state_rows(place, at, random)
        yield _outcome(place, nights_ago, at)


def _device(place: synthetic_rows.MadeUpPlace, nights_ago: int, at: datetime) -> DeviceRow:
    build = "2026.11" if nights_ago < 12 else "2026.10"
    return DeviceRow(
        device=place.device,
        target=place.target,
        soc=place.soc,
        fingerprint=f"made/up/{place.soc or 'host'}:{build}",
        qnn_version="2.40.0" if place.soc else None,
        at=at,
    )


def _outcome(place: synthetic_rows.MadeUpPlace, nights_ago: int, at: datetime) -> OutcomeRow:
    name = f"{synthetic_rows.SPEED_TEST}[{place.model}-{place.mode}-{place.target}]"
    slow = place.level("decode_tps", nights_ago) < place.level("decode_tps", 1000)
    return OutcomeRow(
        test_id=name,
        outcome="failed" if slow else "passed",
        status=Status.FAIL if slow else Status.PASS,
        duration_s=41.5,
        message="decode_tps is below its gate" if slow else "",
        rerun_command=f"pytest '{name}' --target {place.target}",
        at=at,
    )


def _last_night(journal: Journal, store: Store, random: np.random.Generator) -> Iterator[Row]:
    yield from _further_verdicts(store, random)
    for number in range(store.images):
        image = journal.store_thumbnail(synthetic_rows.draw_picture(number, random))
        at = LAST_NIGHT + timedelta(minutes=40, seconds=number)
        yield from synthetic_rows.answer_rows(number, image, at)
    yield QuarantineRow(
        metric="ttft_ms",
        model="tiny_internvl3",
        where="SM8750",
        owner="ada@example.org",
        reason="flips since the phone's last update",
        expires=date(2026, 12, 4),
        expired=False,
        at=LAST_NIGHT,
    )
    if store.slowed:
        yield _crash()


def _further_verdicts(store: Store, random: np.random.Generator) -> Iterator[Row]:
    metrics = list(synthetic_rows.LEVELS)
    for number in range(store.further_verdicts):
        place, metric = synthetic_rows.ALL_PLACES[number % 12], metrics[number % len(metrics)]
        precision = f"16a4w_block, variant {number // 12}"
        values = place.level(metric, 1000) * random.normal(1.0, 0.02, synthetic_rows.SAMPLES)
        yield from synthetic_rows.sample_rows(place, metric, values, LAST_NIGHT, precision)
        yield synthetic_rows.verdict_row(place, metric, values, LAST_NIGHT, precision)


def _crash() -> OutcomeRow:
    name = "suites/robustness/test_kill.py::test_killed_runner[tiny_smolvlm]"
    command = "adb -s R5CX10ABCDE shell /data/local/tmp/snapgate/runner --requests requests.jsonl"
    return OutcomeRow(
        test_id=name,
        outcome="error",
        duration_s=12.0,
        message="the runner ended with exit code -6 after 2 answers: abort\n" + command,
        rerun_command=f"pytest '{name}' --target phone --serial R5CX10ABCDE",
        evidence={
            "command": command,
            "stdout": "I 00:00:00.012 loading vision_encoder\nI 00:00:00.431 loaded",
            "stderr": "terminate called after throwing an instance of std::bad_alloc",
            "logcat": "F libc    : Fatal signal 6 (SIGABRT) in tid 31337 (runner)\n" * 12,
        },
        at=LAST_NIGHT,
    )
