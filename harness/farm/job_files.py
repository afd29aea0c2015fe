"""Files that a job leaves, and those of exports that it needs."""

from __future__ import annotations

import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from harness.farm.exported_folders import artifact_folders, export_name
from harness.farm.job import Job
from harness.farm.job_end import JobEnd, StoredFile
from harness.farm.patient_store import PatientStore

_FETCHING = "fetching"
"""Folder of a cache that fetched folders are made whole in."""


def send_files(job: Job, results: Path, artifacts: Path, store: PatientStore) -> list[StoredFile]:
    """Send what a job left.

    Args:
        job: What was done.
        results: Folder that a session filled with its run.
        artifacts: The artifact cache, which an export filled.
        store: Gets the files.
    """
    sent = []
    for path, root in _left(job, results, artifacts.resolve()):
        stored = store.put_file(path)
        sent.append(stored.model_copy(update={"path": path.relative_to(root).as_posix()}))
    return sent


def _left(job: Job, results: Path, artifacts: Path) -> Iterator[tuple[Path, Path]]:
    """Files that a job left, each with the folder that its path is told below."""
    is_session = job.kind == "session"
    root = results if is_session else artifacts
    folders = [results] if is_session else artifact_folders(artifacts, export_name(job))
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                yield path, root


def fetched_folders(end: JobEnd, artifacts: Path) -> list[Path]:
    """Folders of an artifact cache that what an export left belongs in."""
    return [artifacts / name for name in _by_folder(end)]


def fetch_artifact(
    end: JobEnd, artifacts: Path, store: PatientStore, brought: Callable[[Path], None]
) -> None:
    """Bring what an export left into the artifact cache: each folder whole, or not at all.

    A folder that is there stays: whoever uses it verifies it, and sets it aside if it is no good.

    Args:
        end: Of the export.
        artifacts: The artifact cache.
        store: Has the files.
        brought: Told each folder that was not there.
    """
    for name, files in _by_folder(end).items():
        target = artifacts / name
        if target.is_dir():
            continue
        part = artifacts / _FETCHING / secrets.token_hex(8)
        try:
            for stored in files:
                store.fetch(stored, part / PurePosixPath(stored.path).name)
            target.parent.mkdir(parents=True, exist_ok=True)
            # Somebody may have built or fetched the same meanwhile.
            with suppress(OSError):
                os.rename(part, target)
            if not part.exists():
                brought(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _by_folder(end: JobEnd) -> dict[PurePosixPath, list[StoredFile]]:
    folders: dict[PurePosixPath, list[StoredFile]] = defaultdict(list)
    for stored in end.files:
        folders[PurePosixPath(stored.path).parent].append(stored)
    return folders
