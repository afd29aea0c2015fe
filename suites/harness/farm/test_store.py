"""Files by content, ends by job: the same in a folder and in an object store."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.errors import UserError
from harness.farm.job import Job
from harness.farm.job_end import JobEnd, StoredFile
from harness.farm.shared_place import StoreUnreachable
from harness.farm.store import FarmStore, OtherStore, StoreDamaged
from harness.results.rows.basics import utc_now

JOB = Job(kind="session", commit="c0ffee", model="tiny", mode="kv", precision="fp32", target="host")


def end(host: str, job: Job = JOB, exit_status: int = 0) -> JobEnd:
    now = utc_now()
    return JobEnd(
        job=job,
        exit_status=exit_status,
        files=(),
        log=None,
        host=host,
        serialno=None,
        started_at=now,
        ended_at=now,
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "röws of a run.jsonl"
    path.write_bytes(os.urandom(3 << 20))
    return path


def test_a_file_comes_back_as_it_was(store: FarmStore, source: Path, tmp_path: Path) -> None:
    stored = store.put_file(source)
    assert store.put_file(source) == stored
    store.fetch(stored, tmp_path / "new folder" / "file")
    assert (tmp_path / "new folder" / "file").read_bytes() == source.read_bytes()
    assert list((tmp_path / "new folder").iterdir()) == [tmp_path / "new folder" / "file"]


def test_what_is_not_there_leaves_nothing(store: FarmStore, tmp_path: Path) -> None:
    missing = StoredFile(path="x", sha256="0" * 64, size_bytes=1)
    with pytest.raises(StoreDamaged, match="lacks files/00/0000"):
        store.fetch(missing, tmp_path / "here" / "file")
    assert list((tmp_path / "here").iterdir()) == []


def test_a_file_with_another_content_is_not_taken(tmp_path: Path, source: Path) -> None:
    store = FarmStore(str(tmp_path / "store"))
    stored = store.put_file(source)
    [inside] = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    inside.write_bytes(b"something else")
    with pytest.raises(StoreDamaged, match="another content than its name says"):
        store.fetch(stored, tmp_path / "here" / "file")
    assert list((tmp_path / "here").iterdir()) == []
    # Whoever still has it mends it: its length tells that it is not whole.
    store.put_file(source)
    store.fetch(stored, tmp_path / "here" / "file")


def test_the_first_end_of_a_job_counts(store: FarmStore) -> None:
    assert store.find_end(JOB.key) is None
    first = end("first")
    assert store.put_end(first) == first
    assert store.put_end(end("second", exit_status=1)) == first
    assert store.find_end(JOB.key) == first


def test_ends_of_many_jobs_are_found_at_once(store: FarmStore) -> None:
    jobs = [JOB.model_copy(update={"round": at}) for at in range(20)]
    for job in jobs[::2]:
        store.put_end(end("host", job))
    assert set(store.find_ends(job.key for job in jobs)) == {job.key for job in jobs[::2]}


def test_many_that_write_one_end_at_once_leave_one(store: FarmStore) -> None:
    kept: list[JobEnd] = []
    writers = [
        threading.Thread(target=lambda at=at: kept.append(store.put_end(end(f"host{at}"))))
        for at in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(kept) == 8
    found = store.find_end(JOB.key)
    assert found is not None
    assert {one.host for one in kept} == {found.host}


def test_a_store_is_begun_once_and_told_from_others(store: FarmStore) -> None:
    assert store.identity() is None
    begun = []
    writers = [threading.Thread(target=lambda: begun.append(store.begin())) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {*begun, store.begin()} == {store.identity()}
    store.check(begun[0])
    with pytest.raises(OtherStore, match=r"is the store \w+, and another is wanted"):
        store.check("another")


def test_a_folder_that_is_not_mounted_is_no_store(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store = FarmStore(str(folder))
    identity = store.begin()
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    with pytest.raises(StoreUnreachable, match=f"is no store now, and {identity} is wanted"):
        store.check(identity)
    assert store.identity() is None
    assert list(folder.iterdir()) == []


def test_an_end_that_no_farm_wrote_is_named(tmp_path: Path) -> None:
    store = FarmStore(str(tmp_path))
    store.put_end(end("host"))
    (tmp_path / "ends" / f"{JOB.key}.json").write_text("{}")
    with pytest.raises(StoreDamaged, match=r"ends/.*\.json, which no farm of this version wrote"):
        store.find_end(JOB.key)


def test_a_store_that_cannot_be_written_says_why(tmp_path: Path, source: Path) -> None:
    (tmp_path / "store").write_text("a file is in its place")
    with pytest.raises(StoreUnreachable, match="cannot be reached or written"):
        FarmStore(str(tmp_path / "store")).put_file(source)


def test_an_object_store_that_is_gone_says_why(
    object_store: str, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StoreUnreachable, match="s3://farm/gone cannot be reached"):
        FarmStore("s3://farm/gone").put_file(source)


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(UserError, match=r"--store carrier-pigeon://roof cannot be used"):
        FarmStore("carrier-pigeon://roof")


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../b", "", "a\\..\\b"])
def test_what_a_job_left_never_leads_out_of_its_folder(path: str) -> None:
    with pytest.raises(ValidationError):
        StoredFile(path=path, sha256="0" * 64, size_bytes=0)
