"""What an export left on one host is an artifact on another."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from harness.artifacts.artifact import Artifact, open_artifact
from harness.artifacts.given_name import ARTIFACTS, give_name
from harness.errors import UserError
from harness.export.cache import RECORD_NAME, ComponentRecord
from harness.farm.exported_folders import export_name
from harness.farm.job import Job
from harness.farm.job_end import JobEnd, StoredFile
from harness.farm.job_files import fetch_artifact, fetched_folders, send_files
from harness.farm.patient_store import PatientStore
from harness.farm.store import FarmStore
from harness.results.rows.basics import utc_now

JOB = Job(
    kind="export",
    commit="c0ffee",
    model="tiny_smolvlm",
    mode="hybrid",
    precision="fp32",
    target="host",
)


def end(files: list[StoredFile]) -> JobEnd:
    now = utc_now()
    return JobEnd(
        job=JOB,
        exit_status=0,
        files=tuple(files),
        log=None,
        host="builder",
        serialno=None,
        started_at=now,
        ended_at=now,
    )


@pytest.fixture
def patient(store: FarmStore) -> PatientStore:
    return PatientStore(store, threading.Event())


@pytest.fixture
def exported(random_smolvlm: Artifact, tmp_path: Path) -> Path:
    """A cache with one artifact, reached by a link as home folders often are."""
    source = random_smolvlm.directory.parents[1]
    root = tmp_path / "scratch"
    shutil.copytree(source, root, symlinks=True)
    give_name(root / ARTIFACTS / random_smolvlm.directory.name, export_name(JOB))
    os.symlink(root, tmp_path / "cache")
    return tmp_path / "cache"


def test_an_export_travels_whole(
    exported: Path, patient: PatientStore, tmp_path: Path, random_smolvlm: Artifact
) -> None:
    files = send_files(JOB, tmp_path / "none", exported, patient)
    there = tmp_path / "phöne host" / "artifacts of it"
    brought: list[Path] = []
    for _ in range(2):
        fetch_artifact(end(files), there, patient, brought.append)
    assert set(brought) == set(fetched_folders(end(files), there))
    assert len(brought) == len(set(brought))
    artifact = open_artifact(there / ARTIFACTS / random_smolvlm.directory.name)
    assert artifact.manifest == random_smolvlm.manifest
    keys = {
        ComponentRecord.model_validate_json(path.read_text()).file.key
        for path in (there / "components").glob(f"*/{RECORD_NAME}")
    }
    assert keys == {entry.key for entry in artifact.manifest.components}
    assert list((there / "fetching").iterdir()) == []


def test_what_is_damaged_in_the_store_leaves_no_folder(exported: Path, tmp_path: Path) -> None:
    store = FarmStore(str(tmp_path / "store"))
    patient = PatientStore(store, threading.Event())
    files = send_files(JOB, tmp_path / "none", exported, patient)
    for path in (tmp_path / "store").rglob("*"):
        if path.is_file():
            path.write_bytes(b"something else")
    there = tmp_path / "there"
    with pytest.raises(UserError, match="another content than its name says"):
        fetch_artifact(end(files), there, patient, [].append)
    assert [path for path in there.rglob("*") if path.is_file()] == []


def test_an_export_that_left_nothing_is_named(exported: Path, patient: PatientStore) -> None:
    (exported / ARTIFACTS / export_name(JOB)).unlink()
    with pytest.raises(UserError):
        send_files(JOB, exported, exported, patient)
