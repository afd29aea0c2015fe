"""What is left of a night under faults: every result once, and no phone that somebody holds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from benchmarks.farm_faults.laboratory import FaultyHost
from benchmarks.farm_faults.night import TESTS_EACH
from harness.devices.adb.client import AdbPhone
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.exclusive_use import holder_of
from harness.devices.phone.runs.claimed_run import find_runs
from harness.devices.phone.workspace import Workspace
from harness.devices.transport.errors import PhoneFailure
from harness.farm.job_end import JobEnd
from harness.farm.order import JobOrder
from harness.farm.store import FarmStore
from harness.results.adoption import adopt_session
from harness.results.journal_reader import file_rows
from harness.results.rows.schema import OutcomeRow, Row
from harness.results.run import Run

_ASK_S = 10.0
_LOOK_S = 1.0


@dataclass(frozen=True)
class NightTally:
    """What became of a night's results.

    Attributes:
        lost: Jobs without an end, or whose tests have no outcome.
        doubled: Outcomes beyond one per test of a job.
        disturbed: Jobs that ended otherwise than undisturbed.
    """

    lost: tuple[str, ...]
    doubled: int
    disturbed: tuple[str, ...]


def tally(
    orders: Sequence[JobOrder],
    ends: Mapping[str, JobEnd],
    store: FarmStore,
    run: Path,
) -> NightTally:
    """Bring what all jobs left into one run, as a night does, and count.

    Args:
        orders: What was asked for.
        ends: What the store has of it.
        store: The store.
        run: Folder that the run is made in.
    """
    lost = [order.job.key for order in orders if order.job.key not in ends]
    doubled = 0
    disturbed = []
    for number, end in enumerate(ends.values(), 1):
        adopted = _adopt(end, store, run, number)
        outcomes = [row for row in adopted if isinstance(row, OutcomeRow)]
        told = [f"{row.test_id}: {row.message}" for row in outcomes if row.outcome != "passed"]
        if told or end.exit_status != 0:
            why = "; ".join(told) or f"exit status {end.exit_status}"
            disturbed.append(f"{end.job.key} on {end.host}: {why}")
        if len(outcomes) < TESTS_EACH:
            lost.append(f"{end.job.key}: {len(outcomes)} outcomes")
        doubled += max(0, len(outcomes) - TESTS_EACH)
    # As the page of the night counts them.
    shown = len(Run.read(run).outcomes)
    doubled += max(0, shown - len(ends) * TESTS_EACH)
    return NightTally(tuple(lost), doubled, tuple(disturbed))


def _adopt(end: JobEnd, store: FarmStore, run: Path, number: int) -> list[Row]:
    """Bring what a job left into a run; returns its rows."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for stored in end.files:
            store.fetch(stored, Path(folder) / PurePosixPath(stored.path))
        for left in sorted(path for path in Path(folder).iterdir() if path.is_dir()):
            for journal in sorted(left.glob("rows-*.jsonl")):
                rows += file_rows(journal)
            if not (run / f"rows-main-{number}.jsonl").exists():
                adopt_session(left, run, number, number)
    return rows


def seconds_until_free(
    benches: Sequence[FaultyHost], limit_s: float
) -> tuple[float, tuple[str, ...]]:
    """Wait until nobody holds a phone any more: no lease, no claim and no run that goes on.

    Args:
        benches: Hosts with their phones.
        limit_s: How long to wait.

    Returns:
        How long it took, and what is still held then.
    """
    began_s = time.monotonic()
    while True:
        held = tuple(what for bench in benches for what in _held(bench))
        passed_s = time.monotonic() - began_s
        if not held or passed_s > limit_s:
            return passed_s, held
        time.sleep(_LOOK_S)


def _held(bench: FaultyHost) -> list[str]:
    held = []
    server = AdbServer(ServerAddress(port=bench.server.port))
    for phone in bench.phones:
        if (holder := holder_of(bench.leases, phone.serialno)) is not None:
            held.append(f"{phone.serialno} by process {holder}")
        adb = AdbPhone(server, phone.serial)
        try:
            places = Workspace.on(adb)
            claims = adb.ask(f"ls {places.claims} 2>/dev/null", _ASK_S).stdout.split()
            held += [f"{phone.serialno} by claim {claim}" for claim in claims]
            held += [f"{phone.serialno} by run {run.name}" for run in find_runs(adb, places.runs)]
        except PhoneFailure as error:
            held.append(f"{phone.serialno} does not answer: {error}")
    return held
