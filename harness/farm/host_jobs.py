"""The jobs of one host: each once at a time, and its end in the store however long it takes.

What a job left stays in its folder until the store has it, so that neither a store that cannot be
reached nor a host that is restarted meanwhile loses anything.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from harness.errors import UserError
from harness.farm.exported_folders import artifact_folders, export_name
from harness.farm.host_folders import HostFolders
from harness.farm.host_job import command_of, fault_of
from harness.farm.host_words import HostWords
from harness.farm.job_end import JobEnd
from harness.farm.job_files import fetch_artifact, fetched_folders, send_files
from harness.farm.job_process import run_job_process
from harness.farm.kept_folders import KeptFolders
from harness.farm.order import Assignment, JobOrder, JobOutcome
from harness.farm.patient_store import Ending, PatientStore
from harness.farm.shared_place import StoreUnreachable
from harness.farm.store import FarmStore, OtherStore
from harness.farm.tries import Tries
from harness.results.rows.basics import utc_now

Tell = Callable[[str], None]

_LOG_NAME = "log.txt"
_MOST_AT_ONCE = 256
_LEAST_LIMIT_S, _LIMIT = 3600.0, 10.0
"""A job may take an hour, or so many times of what it is expected to take."""


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
        # Home folders are often links, and artifacts tell where they truly are.
        self._artifacts = folders.artifacts.resolve()
        self._tries = Tries(folders.work, folders.rejected)
        self._raw_store = store
        self._ending = threading.Event()
        self._store = PatientStore(store, self._ending)
        self._kept = KeptFolders(self._artifacts, folders.kept_bytes)
        self._words = words
        self._has_phone = has_phone
        self._leave_phone = leave_phone
        self._commit = commit
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Assignment, Future[JobOutcome]]] = {}
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="job")

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

    def resume(self) -> None:
        """Take up what an earlier process of this host left: ends to be sent, phones, folders."""
        for folder, assignment in self._tries.left():
            if not self._tries.is_over(folder):
                if assignment.serialno is not None:
                    self._leave_phone(assignment.serialno)
                self._tries.remove(folder)
                continue
            try:
                self._refuse_other_store(assignment)
            except OtherStore as error:
                self._tries.reject(folder, error)
            else:
                # Its phone is free: what is left to be done is between host and store.
                self.carry_out(assignment.model_copy(update={"serialno": None}), lambda line: None)

    def _refuse_other_store(self, assignment: Assignment) -> None:
        """Raise ``OtherStore`` where this is not the job's; one that is away will come back."""
        if (identity := assignment.order.demand.store) is not None:
            with suppress(StoreUnreachable):
                self._raw_store.check(identity)

    def _do(self, assignment: Assignment, tell: Tell) -> JobOutcome:
        key = assignment.order.job.key
        folder = self._tries.new_folder(key)
        try:
            folder = self._tries.ended_before(key) or folder
            return self._run(assignment, folder, tell)
        except Ending:
            return JobOutcome(kind="died", said=f"{self._name} ended")
        except OSError as error:
            return JobOutcome(kind="died", said=f"{self._name}: {error}")
        except UserError as error:
            if self._tries.is_over(folder):
                self._tries.reject(folder, error)
            return JobOutcome(kind="refused", said=f"{self._name}: {error}")
        finally:
            with self._lock:
                del self._running[key]

    def _run(self, assignment: Assignment, folder: Path, tell: Tell) -> JobOutcome:
        order, job = assignment.order, assignment.order.job
        store = self._store.of(order.demand.store)
        is_over = self._tries.is_over(folder)
        if not is_over:
            self._refuse_other_store(assignment)
        earlier = store.find_end(job.key)
        if earlier is not None:
            self._tries.remove(folder)
            return JobOutcome(kind="stored", exit_status=earlier.exit_status)
        if not is_over and self._commit() != job.commit:
            return JobOutcome(kind="refused", said=f"the clone at {self._name} changed")
        with ExitStack() as kept:
            if not is_over:
                self._tries.begin(assignment, folder)
                self._fetch(order, store, kept)
                fault = self._process(assignment, folder, tell)
                if fault is not None:
                    self._tries.remove(folder)
                    return fault
            end = self._tries.read_end(folder)
            kept.enter_context(self._kept.using(self._made(end)))
            stored = self._send(end, folder, store)
        self._tries.remove(folder)
        return JobOutcome(kind="stored", exit_status=stored.exit_status)

    def _fetch(self, order: JobOrder, store: PatientStore, kept: ExitStack) -> None:
        """Bring the exports that a job needs, and keep them as long as it does."""
        exports = list(filter(None, map(store.find_end, order.after)))
        needed = [path for export in exports for path in fetched_folders(export, self._artifacts)]
        kept.enter_context(self._kept.using(needed))
        for export in exports:
            fetch_artifact(export, self._artifacts, store, self._kept.brought)

    def _process(self, assignment: Assignment, folder: Path, tell: Tell) -> JobOutcome | None:
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
        for made in self._made(end):
            if made not in before:
                self._kept.brought(made)
        self._tries.end(folder, end)
        return None

    def _made(self, end: JobEnd) -> list[Path]:
        """Folders of the artifact cache that an export filled."""
        if end.job.kind != "export":
            return []
        return artifact_folders(self._artifacts, export_name(end.job))

    def _fault(self, assignment: Assignment, status: int | None, log: Path) -> JobOutcome | None:
        if status is None and self._ending.is_set():
            return JobOutcome(kind="died", said=f"{self._name} ended")
        if self._commit() != assignment.order.job.commit:
            return JobOutcome(kind="refused", said=f"the clone at {self._name} changed meanwhile")
        serialno = assignment.serialno
        has_phone = serialno is None or status == 0 or self._has_phone(serialno)
        return fault_of(assignment, status, log, self._name, has_phone=has_phone)

    def _send(self, end: JobEnd, folder: Path, store: PatientStore) -> JobEnd:
        """Send files first, then the end that names them."""
        files = send_files(end.job, folder / "results", self._artifacts, store)
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
