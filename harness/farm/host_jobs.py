"""The jobs of one host: each once at a time, and its end in the store however long it takes.

What a job left stays in its folder until the store has it, so that neither a store that cannot be
reached nor a host that is restarted meanwhile loses anything.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from harness.artifacts.atomic_file import write_text
from harness.errors import UserError
from harness.farm.host_job import command_of, fault_of
from harness.farm.host_words import HostWords
from harness.farm.job_end import JobEnd
from harness.farm.job_files import fetch_artifact, fetched_folders, send_files
from harness.farm.job_process import run_job_process
from harness.farm.kept_folders import KeptFolders
from harness.farm.order import Assignment, JobOutcome
from harness.farm.patient_store import Ending, PatientStore
from harness.farm.store import FarmStore
from harness.results.rows.basics import utc_now

Tell = Callable[[str], None]

_LOG = logging.getLogger(__name__)
_ASSIGNED, _ENDED, _LOG_NAME = "assigned.json", "ended.json", "log.txt"
_MOST_AT_ONCE = 256
_LEAST_LIMIT_S, _LIMIT = 3600.0, 10.0
"""A job may take an hour, or so many times of what it is expected to take."""


@dataclass(frozen=True)
class HostFolders:
    """Where a host keeps what jobs make.

    Attributes:
        work: One folder per job that runs, or whose end the store does not have yet.
        rejected: What was left there and cannot be sent.
        artifacts: The artifact cache.
        kept_bytes: How much of what jobs brought there stays.
    """

    work: Path
    rejected: Path
    artifacts: Path
    kept_bytes: int


class HostJobs:
    """Runs what a host is given.

    Args:
        name: Of the host.
        folders: What jobs make goes there.
        store: Gets what they left.
        words: What the host adds to theirs.
        has_phone: Whether a phone is still there, by its serial number.
        leave_phone: Told which phone a job died on, by its serial number.
        commit: What the clone that jobs are run from holds now.
    """

    def __init__(
        self,
        name: str,
        folders: HostFolders,
        store: FarmStore,
        words: HostWords,
        has_phone: Callable[[str], bool],
        leave_phone: Callable[[str], None],
        commit: Callable[[], str | None],
    ) -> None:
        self._name = name
        self._folders = folders
        self._ending = threading.Event()
        self._store = PatientStore(store, self._ending)
        self._kept = KeptFolders(folders.artifacts, folders.kept_bytes)
        self._words = words
        self._has_phone = has_phone
        self._leave_phone = leave_phone
        self._commit = commit
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

    def close(self) -> None:
        """End what runs, which lets go of its phones, and stop asking the store."""
        self._ending.set()
        self._threads.shutdown()

    def send_left(self) -> None:
        """Send what an earlier process of this host could not, and clean up behind it."""
        for folder in sorted(self._folders.work.iterdir()):
            try:
                if (folder / _ASSIGNED).is_file():
                    told = (folder / _ASSIGNED).read_text()
                    self._take_up(Assignment.model_validate_json(told), folder)
                shutil.rmtree(folder, ignore_errors=True)
            except (ValidationError, UserError, OSError) as error:
                kept = self._folders.rejected / folder.name
                shutil.rmtree(kept, ignore_errors=True)
                kept.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(folder, kept)
                _LOG.warning("%s cannot be sent (%s) and was moved to %s", folder, error, kept)

    def _take_up(self, assignment: Assignment, folder: Path) -> None:
        """See to what a job left under an earlier process of this host."""
        if (folder / _ENDED).is_file():
            end = JobEnd.model_validate_json((folder / _ENDED).read_text())
            self._send(end, folder, self._store.of(assignment.order.demand.store))
        elif assignment.serialno is not None:
            self._leave_phone(assignment.serialno)

    def _do(self, assignment: Assignment, tell: Tell) -> JobOutcome:
        key = assignment.order.job.key
        try:
            return self._run(assignment, tell)
        except Ending:
            return JobOutcome(kind="died", said=f"{self._name} ended")
        except UserError as error:
            return JobOutcome(kind="refused", said=f"{self._name}: {error}")
        finally:
            with self._lock:
                del self._running[key]

    def _run(self, assignment: Assignment, tell: Tell) -> JobOutcome:
        order, job = assignment.order, assignment.order.job
        store = self._store.of(order.demand.store)
        earlier = store.find_end(job.key)
        if earlier is not None:
            return JobOutcome(kind="stored", exit_status=earlier.exit_status)
        if self._commit() != job.commit:
            return JobOutcome(kind="refused", said=f"the clone at {self._name} changed")
        folder = self._folders.work / job.key
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "results").mkdir(parents=True)
        write_text(folder / _ASSIGNED, assignment.model_dump_json())
        exports = list(filter(None, map(store.find_end, order.after)))
        artifacts = self._folders.artifacts
        needed = [path for export in exports for path in fetched_folders(export, artifacts)]
        with self._kept.using(needed):
            for export in exports:
                fetch_artifact(export, artifacts, store, self._kept.brought)
            ended = self._process(assignment, folder, tell)
            if isinstance(ended, JobOutcome):
                shutil.rmtree(folder, ignore_errors=True)
                return ended
            kept = self._send(ended, folder, store)
        shutil.rmtree(folder, ignore_errors=True)
        return JobOutcome(kind="stored", exit_status=kept.exit_status)

    def _process(self, assignment: Assignment, folder: Path, tell: Tell) -> JobEnd | JobOutcome:
        """Run a job's process; returns its end, which is in its folder then, or why it has none."""
        order, serialno = assignment.order, assignment.serialno
        started_at, log = utc_now(), folder / _LOG_NAME
        before = self._kept.here()
        command = command_of(order.job, serialno, folder, self._words)
        limit_s = max(_LEAST_LIMIT_S, _LIMIT * order.expected_s)
        status = run_job_process(command, log, limit_s, tell, self._ending)
        fault = self._fault(assignment, status, log)
        if fault is not None or status is None:
            if serialno is not None:
                self._leave_phone(serialno)
            return fault or JobOutcome(kind="died", said=f"{self._name} ended")
        if order.job.kind == "export":
            for made in self._kept.here() - before:
                self._kept.brought(made)
        end = JobEnd(
            job=order.job,
            exit_status=status,
            files=(),
            log=None,
            host=self._name,
            serialno=serialno,
            started_at=started_at,
            ended_at=utc_now(),
        )
        write_text(folder / _ENDED, end.model_dump_json())
        return end

    def _fault(self, assignment: Assignment, status: int | None, log: Path) -> JobOutcome | None:
        if self._commit() != assignment.order.job.commit:
            return JobOutcome(kind="refused", said=f"the clone at {self._name} changed meanwhile")
        serialno = assignment.serialno
        has_phone = serialno is None or status == 0 or self._has_phone(serialno)
        return fault_of(assignment, status, log, self._name, has_phone=has_phone)

    def _send(self, end: JobEnd, folder: Path, store: PatientStore) -> JobEnd:
        """Send files first, then the end that names them."""
        files = send_files(end.job, folder / "results", self._folders.artifacts, store)
        log = store.put_file(folder / _LOG_NAME)
        whole = end.model_copy(update={"files": tuple(files), "log": log.sha256})
        return store.put_end(whole)


def _pass_on(told: Future[JobOutcome], future: Future[JobOutcome]) -> None:
    if not told.set_running_or_notify_cancel():
        return
    if (error := future.exception()) is not None:
        told.set_exception(error)
    else:
        told.set_result(future.result())
