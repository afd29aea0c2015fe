"""The jobs of one host: each once at a time, and its end in the store however long it takes.

What a job left stays in its folder until the store has it, so that neither a store that cannot be
reached nor a host that is restarted meanwhile loses anything.
"""

from __future__ import annotations

import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness.artifacts.manifest import MANIFEST_NAME
from harness.export.cache import RECORD_NAME
from harness.farm.exported_folders import artifact_folders, export_name
from harness.farm.job import Job, JobKind
from harness.farm.job_end import JobEnd
from harness.farm.job_process import run_job_process
from harness.farm.order import Assignment, JobOutcome
from harness.farm.store import FarmStore, StoreUnreachable
from harness.kept_output import last_lines, read_kept
from harness.measure.exit_status import TREND_ALERT, UNJUDGED
from harness.measure.wording import end_in_words
from harness.results.rows.basics import utc_now

Tell = Callable[[str], None]
Answer = TypeVar("Answer")

_LOG = logging.getLogger(__name__)
_ENDED, _LOG_NAME = "ended.json", "log.txt"
_MOST_AT_ONCE = 256
_ENDS: Mapping[JobKind, frozenset[int]] = {
    "session": frozenset({0, 1, 10, 11, 12, TREND_ALERT, UNJUDGED}),
    "export": frozenset({0}),
}
"""Exit statuses that tell how a job ended (design §9)."""
_REFUSALS: Mapping[JobKind, frozenset[int]] = {
    "session": frozenset({4, 5}),
    "export": frozenset({2}),
}
"""Of a command line that is wrong wherever it is typed."""
_LEAST_LIMIT_S, _LIMIT = 3600.0, 10.0
"""A job may take an hour, or so many times of what it is expected to take."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
"""Before the store is tried again."""


@dataclass(frozen=True)
class HostFolders:
    """Where a host keeps what jobs make.

    Attributes:
        work: One folder per job that runs, or whose end the store does not have yet.
        artifacts: The artifact cache.
    """

    work: Path
    artifacts: Path


class HostJobs:
    """Runs what a host is given.

    Args:
        name: Of the host.
        folders: What jobs make goes there.
        store: Gets what they left.
        has_phone: Whether a phone is still there, by its serial number.
    """

    def __init__(
        self, name: str, folders: HostFolders, store: FarmStore, has_phone: Callable[[str], bool]
    ) -> None:
        self._name = name
        self._folders = folders
        self._store = store
        self._has_phone = has_phone
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Assignment, Future[JobOutcome]]] = {}
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="job")
        folders.work.mkdir(parents=True, exist_ok=True)

    @property
    def running(self) -> tuple[Assignment, ...]:
        """What this host does."""
        with self._lock:
            return tuple(assignment for assignment, _ in self._running.values())

    def carry_out(self, assignment: Assignment, tell: Tell) -> Future[JobOutcome]:
        """Begin a job, unless this host does it already; nobody who waits for it can cancel it.

        Args:
            assignment: The job, and its phone.
            tell: Told what it prints.
        """
        key = assignment.order.job.key
        with self._lock:
            if key not in self._running:
                future = self._threads.submit(self._do, assignment, tell)
                self._running[key] = assignment, future
            _, future = self._running[key]
        told: Future[JobOutcome] = Future()
        future.add_done_callback(partial(_pass_on, told))
        return told

    def send_left(self) -> None:
        """Send what an earlier process of this host could not, and clean up behind it."""
        for folder in sorted(self._folders.work.iterdir()):
            ended = folder / _ENDED
            if ended.is_file():
                self._send(JobEnd.model_validate_json(ended.read_text()), folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _do(self, assignment: Assignment, tell: Tell) -> JobOutcome:
        key = assignment.order.job.key
        try:
            return self._run(assignment, tell)
        finally:
            with self._lock:
                del self._running[key]

    def _run(self, assignment: Assignment, tell: Tell) -> JobOutcome:
        order, job = assignment.order, assignment.order.job
        earlier = self._patiently(partial(self._store.find_end, job.key))
        if earlier is not None:
            return JobOutcome(kind="stored", exit_status=earlier.exit_status)
        folder = self._folders.work / job.key
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "results").mkdir(parents=True)
        started_at = utc_now()
        for needed in order.after:
            self._fetch(needed)
        log = folder / _LOG_NAME
        limit_s = max(_LEAST_LIMIT_S, _LIMIT * order.expected_s)
        command = self._command(job, assignment.serialno, folder)
        status = run_job_process(command, log, limit_s, tell)
        if (fault := self._fault(assignment, status, log, limit_s)) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            return fault
        assert status is not None
        end = JobEnd(
            job=job,
            exit_status=status,
            files=(),
            log=None,
            host=self._name,
            serialno=assignment.serialno,
            started_at=started_at,
            ended_at=utc_now(),
        )
        (folder / _ENDED).write_text(end.model_dump_json())
        kept = self._send(end, folder)
        shutil.rmtree(folder, ignore_errors=True)
        return JobOutcome(kind="stored", exit_status=kept.exit_status)

    def _command(self, job: Job, serialno: str | None, folder: Path) -> list[str]:
        """What is typed on this host."""
        own = ["--artifacts", str(self._folders.artifacts)]
        if job.kind == "export":
            named = ["--name", export_name(job)]
            return [sys.executable, "-m", "harness", "export", *job.words, *named, *own]
        own += ["--results", str(folder / "results"), "--report-dir", str(folder / "report")]
        own += ["-p", "no:cacheprovider"]
        if serialno is not None:
            own += ["--serial", serialno]
        return [sys.executable, "-m", "pytest", *job.words, *own]

    def _fault(
        self, assignment: Assignment, status: int | None, log: Path, limit_s: float
    ) -> JobOutcome | None:
        """What is wrong with an end that judges nothing; None for one that does."""
        serialno = assignment.serialno
        if status != 0 and serialno is not None and not self._has_phone(serialno):
            return JobOutcome(
                kind="phone broke", exit_status=status, said=f"it is no longer at {self._name}"
            )
        kind = assignment.order.job.kind
        if status in _ENDS[kind]:
            return None
        last = " ".join(last_lines(read_kept(log))[-1:]) or "it printed nothing"
        if status is None:
            return JobOutcome(kind="died", said=f"ended after {limit_s:,.0f} s: {last}")
        said = f"{end_in_words(status)} on {self._name}: {last}"
        return JobOutcome(
            kind="refused" if status in _REFUSALS[kind] else "died", exit_status=status, said=said
        )

    def _fetch(self, key: str) -> None:
        """Bring what an export left into the artifact cache, where it is not there already."""
        end = self._patiently(partial(self._store.find_end, key))
        for stored in end.files if end is not None else ():
            target = self._folders.artifacts / stored.path
            if not target.is_file() or target.stat().st_size != stored.size_bytes:
                self._patiently(partial(self._store.fetch, stored, target))

    def _send(self, end: JobEnd, folder: Path) -> JobEnd:
        """Send files first, then the end that names them."""
        files = []
        for path, root in self._left(end.job, folder):
            stored = self._patiently(partial(self._store.put_file, path))
            files.append(stored.model_copy(update={"path": path.relative_to(root).as_posix()}))
        log = self._patiently(partial(self._store.put_file, folder / _LOG_NAME))
        whole = end.model_copy(update={"files": tuple(files), "log": log.sha256})
        return self._patiently(partial(self._store.put_end, whole))

    def _left(self, job: Job, folder: Path) -> Iterator[tuple[Path, Path]]:
        """Files that a job left, each with the folder that its path is told below.

        What says that a folder is whole comes last, so that it is fetched last.
        """
        if job.kind == "session":
            root, folders = folder / "results", [folder / "results"]
        else:
            root = self._folders.artifacts
            folders = artifact_folders(root, export_name(job))
        found = [path for one in folders for path in sorted(one.rglob("*")) if path.is_file()]
        paths = [path for path in found if not path.name.startswith(".")]
        for path in sorted(paths, key=lambda path: path.name in (MANIFEST_NAME, RECORD_NAME)):
            yield path, root

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask the store until it answers; what waits is kept, and nothing else can be done."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return ask()
            except StoreUnreachable as error:
                _LOG.warning("%s Trying again in %.0f s.", error, pause_s)
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


def _pass_on(told: Future[JobOutcome], future: Future[JobOutcome]) -> None:
    if not told.set_running_or_notify_cancel():
        return
    if (error := future.exception()) is not None:
        told.set_exception(error)
    else:
        told.set_result(future.result())
