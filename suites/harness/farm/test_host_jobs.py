"""What a host does with a job, and with its store when that is gone for a while."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import Artifact
from harness.farm.demand import Demand
from harness.farm.host_folders import HostFolders
from harness.farm.host_jobs import HostJobs
from harness.farm.host_words import HostWords
from harness.farm.job import Job
from harness.farm.job_end import JobEnd
from harness.farm.order import Assignment, JobOrder, JobOutcome
from harness.farm.store import FarmStore
from harness.results.rows.basics import utc_now

JOB = Job(
    kind="session",
    commit="c0ffee",
    model="tiny_smolvlm",
    mode="kv",
    precision="fp32",
    target="host",
    suite="size",
)

PYTHON = """#!{python}
# Stands where a session's Python would, for what is not about what sessions do.
import json, os, pathlib, sys
words = sys.argv[1:]
if "harness.farm.warden" in words:
    os.execv({python!r}, [{python!r}, *words])
record = pathlib.Path({record!r})
with record.open("a") as file:
    file.write(json.dumps(words) + "\\n")
results = pathlib.Path(words[words.index("--results") + 1])
run = results / "20261130T010203Z-abcdef"
run.mkdir()
(run / "rows-main.jsonl").write_text("a row\\n")
(results / ".sequence").write_text("1")
print("it ran")
{script}
"""


EXPORTER = """#!{python}
# Stands where an export's Python would: what it makes was made before.
import os, pathlib, shutil, sys
words = sys.argv[1:]
if "harness.farm.warden" in words:
    os.execv({python!r}, [{python!r}, *words])
artifacts = pathlib.Path(words[words.index("--artifacts") + 1])
shutil.copytree({made!r}, artifacts, dirs_exist_ok=True, symlinks=True)
os.symlink({artifact!r}, artifacts / "artifacts" / words[words.index("--name") + 1])
"""


class Laboratory:
    """A host whose sessions end as a script says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.phones = {"P0"}
        self.left: list[str] = []
        self.commit = JOB.commit
        self.store = FarmStore(str(folder / "store"))
        self._monkeypatch = monkeypatch
        self._python = sys.executable
        self.jobs = self.restarted()

    def restarted(self, work: str = "work") -> HostJobs:
        folders = HostFolders(
            self.folder / work, self.folder / "rejected", self.folder / "artifacts", 1 << 30
        )
        has_phone = self.phones.__contains__
        words = HostWords({"adb_host": ["127.0.0.1:5038"]}, self.folder / "artifacts")
        return HostJobs(
            "bench", folders, self.store, words, has_phone, self.left.append, lambda: self.commit
        )

    def runs(self, script: str) -> None:
        program = self.folder / "python"
        told = {"python": self._python, "record": str(self.folder / "ran"), "script": script}
        program.write_text(PYTHON.format(**told))
        program.chmod(0o755)
        self._monkeypatch.setattr(sys, "executable", str(program))

    @property
    def ran(self) -> int:
        record = self.folder / "ran"
        return len(record.read_text().splitlines()) if record.exists() else 0

    @property
    def words(self) -> list[str]:
        words: list[str] = json.loads((self.folder / "ran").read_text().splitlines()[-1])
        return words

    def begin(
        self,
        serialno: str | None = None,
        lines: list[str] | None = None,
        store: str | None = None,
        **more: bool,
    ) -> Future[JobOutcome]:
        order = JobOrder(job=JOB, demand=Demand(store=store), expected_s=1.0)
        tell = [].append if lines is None else lines.append
        return self.jobs.carry_out(Assignment(order=order, serialno=serialno, **more), tell)

    def carry_out(self, *told: Any, **more: Any) -> JobOutcome:
        return self.begin(*told, **more).result(60)


def wait_until(happened: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end_s, "it never happened"
        time.sleep(0.05)


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    return Laboratory(tmp_path, monkeypatch)


@pytest.mark.parametrize("status", [0, 1, 10, 11, 12, 13, 14])
def test_an_end_that_judges_is_stored_with_its_rows(laboratory: Laboratory, status: int) -> None:
    laboratory.runs(f"sys.exit({status})")
    lines: list[str] = []
    outcome = laboratory.carry_out("P0", lines, takes_blocked=True)
    assert outcome == JobOutcome(kind="stored", exit_status=status)
    assert lines == ["it ran"]
    assert laboratory.words[-2:] == ["--serial", "P0"]
    assert "--adb-host 127.0.0.1:5038" in " ".join(laboratory.words)
    assert laboratory.left == []
    end = laboratory.store.find_end(JOB.key)
    assert end is not None
    assert (end.exit_status, end.host, end.serialno) == (status, "bench", "P0")
    assert [file.path for file in end.files] == ["20261130T010203Z-abcdef/rows-main.jsonl"]
    assert end.log is not None
    assert list((laboratory.folder / "work").iterdir()) == []


def test_what_is_stored_is_not_run_again(laboratory: Laboratory) -> None:
    laboratory.runs("sys.exit(10)")
    assert laboratory.carry_out() == laboratory.carry_out()
    assert laboratory.ran == 1


def test_what_an_earlier_try_still_writes_is_no_result_of_the_next(laboratory: Laboratory) -> None:
    """A session whose host or warden was killed may take a while to end, in its own folder."""
    laboratory.runs("open(results.parent.parent / 'first', 'w').write(str(results)); sys.exit(15)")
    assert laboratory.carry_out().kind == "died"
    first = Path((laboratory.folder / "work" / "first").read_text())
    (laboratory.folder / "work" / "first").unlink()
    late = first / "20261130T010203Z-000000"
    laboratory.runs(f"os.makedirs({str(late)!r}); open({str(late / 'rows-main.jsonl')!r}, 'w')")
    assert laboratory.carry_out().kind == "stored"
    end = laboratory.store.find_end(JOB.key)
    assert end is not None
    assert [file.path for file in end.files] == ["20261130T010203Z-abcdef/rows-main.jsonl"]


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        ("print('no such option'); sys.exit(4)", "refused", "no such option"),
        ("print('no test'); sys.exit(5)", "refused", "no test"),
        ("print('broken'); sys.exit(3)", "died", "broken"),
        ("sys.exit(15)", "died", "it ran"),
        ("sys.stdout.flush(); os.kill(os.getpid(), 9)", "died", "it ran"),
    ],
)
def test_an_end_that_judges_nothing_is_not_stored(
    laboratory: Laboratory, script: str, kind: str, said: str
) -> None:
    laboratory.runs(script)
    outcome = laboratory.carry_out()
    assert outcome.kind == kind
    assert said in outcome.said
    assert laboratory.store.find_end(JOB.key) is None
    assert list((laboratory.folder / "work").iterdir()) == []


def test_a_phone_that_a_job_died_on_is_left_to_be_given_back(laboratory: Laboratory) -> None:
    laboratory.runs("os.kill(os.getpid(), 9)")
    laboratory.carry_out("P0")
    assert laboratory.left == ["P0"]
    laboratory.runs("import time; time.sleep(600)")
    future = laboratory.begin("P0")
    wait_until(lambda: laboratory.ran == 2)
    # As another process of this host finds the work of one that was killed.
    shutil.copytree(laboratory.folder / "work", laboratory.folder / "left")
    laboratory.restarted("left").resume()
    assert laboratory.left == ["P0", "P0"]
    assert list((laboratory.folder / "left").iterdir()) == []
    laboratory.jobs.close()
    future.result(60)


def test_a_phone_that_is_gone_is_to_blame(laboratory: Laboratory) -> None:
    laboratory.runs("sys.exit(1)")
    laboratory.phones.clear()
    assert laboratory.carry_out("P0").kind == "phone broke"
    assert laboratory.store.find_end(JOB.key) is None


def test_a_phone_that_is_not_fit_gives_its_job_to_another_unless_it_is_the_last(
    laboratory: Laboratory,
) -> None:
    laboratory.runs("print('another uses it'); sys.exit(12)")
    outcome = laboratory.carry_out("P0")
    assert outcome.kind == "phone broke"
    assert "it was not fit to measure: another uses it" in outcome.said
    assert laboratory.store.find_end(JOB.key) is None
    assert laboratory.carry_out("P0", takes_blocked=True).kind == "stored"


def test_a_clone_that_changed_meanwhile_stores_nothing(laboratory: Laboratory) -> None:
    laboratory.runs("sys.exit(0)")
    laboratory.commit = "decade"
    assert laboratory.carry_out().kind == "refused"
    assert laboratory.ran == 0
    told = iter([JOB.commit, "decade"])
    laboratory.jobs._commit = lambda: next(told)  # type: ignore[method-assign]
    outcome = laboratory.carry_out()
    assert outcome.kind == "refused"
    assert "changed meanwhile" in outcome.said
    assert laboratory.ran == 1
    assert laboratory.store.find_end(JOB.key) is None


def test_a_host_that_ends_ends_its_jobs_and_keeps_what_the_store_does_not_take(
    laboratory: Laboratory,
) -> None:
    laboratory.runs("import time; time.sleep(600)")
    future = laboratory.begin()
    wait_until(lambda: laboratory.ran == 1)
    laboratory.jobs.close()
    assert future.result(60).kind == "died"
    assert list((laboratory.folder / "work").iterdir()) == []

    laboratory.jobs = laboratory.restarted()
    store = laboratory.folder / "store"
    laboratory.runs(
        f"import shutil; shutil.rmtree({str(store)!r}, True); open({str(store)!r}, 'w')"
    )
    future = laboratory.begin()
    wait_until(lambda: any((laboratory.folder / "work").glob("*/ended.json")))
    laboratory.jobs.close()
    assert future.result(60).kind == "died"
    store.unlink()
    laboratory.restarted().resume()
    wait_until(lambda: laboratory.store.find_end(JOB.key) is not None)
    assert laboratory.ran == 2


def test_an_end_of_another_store_is_set_aside(laboratory: Laboratory) -> None:
    """As that of a farm that was given up: its host works for the next one."""
    laboratory.runs("sys.exit(0)")
    laboratory.store.begin()
    outcome = laboratory.carry_out(store="another")
    assert outcome.kind == "refused"
    assert "and another is wanted" in outcome.said
    assert laboratory.ran == 0
    work = laboratory.folder / "work" / f"{JOB.key}.abcd"
    (work / "results").mkdir(parents=True)
    order = JobOrder(job=JOB, demand=Demand(store="another"), expected_s=1.0)
    (work / "assigned.json").write_text(Assignment(order=order).model_dump_json())
    now = utc_now()
    end = JobEnd(
        job=JOB,
        exit_status=0,
        files=(),
        log=None,
        host="bench",
        serialno=None,
        started_at=now,
        ended_at=now,
    )
    (work / "ended.json").write_text(end.model_dump_json())
    laboratory.restarted().resume()
    wait_until((laboratory.folder / "rejected" / work.name / "ended.json").is_file)
    assert list((laboratory.folder / "work").iterdir()) == []


def test_a_store_that_is_gone_for_a_while_loses_nothing(laboratory: Laboratory) -> None:
    store = laboratory.folder / "store"
    laboratory.runs(f"open({str(store)!r}, 'w').close()")
    future = laboratory.begin()
    wait_until(store.is_file)
    time.sleep(1.5)
    assert not future.done()
    assert len(laboratory.jobs.running) == 1
    store.unlink()
    assert future.result(60).kind == "stored"
    assert laboratory.store.find_end(JOB.key) is not None
    assert laboratory.ran == 1


def test_an_end_waits_for_the_store_that_is_meant(laboratory: Laboratory) -> None:
    """As where a folder is not mounted any more: what is below it would be lost."""
    store, elsewhere = laboratory.folder / "store", laboratory.folder / "elsewhere"
    identity = laboratory.store.begin()
    laboratory.runs(f"os.rename({str(store)!r}, {str(elsewhere)!r}); os.mkdir({str(store)!r})")
    future = laboratory.begin(store=identity)
    wait_until(elsewhere.is_dir)
    time.sleep(1.5)
    assert not future.done()
    assert list(store.iterdir()) == []
    store.rmdir()
    elsewhere.rename(store)
    assert future.result(60).kind == "stored"
    assert laboratory.store.find_end(JOB.key) is not None


def test_what_cannot_be_sent_is_set_aside_and_hinders_no_start(laboratory: Laboratory) -> None:
    work = laboratory.folder / "work"
    for name, content in (("halfway", None), ("torn", ""), ("alien", "{}")):
        (work / name).mkdir()
        if content is not None:
            order = JobOrder(job=JOB, demand=Demand(), expected_s=1.0)
            assigned = Assignment(order=order).model_dump_json()
            (work / name / "assigned.json").write_text(assigned)
            (work / name / "ended.json").write_text(content)
    laboratory.restarted().resume()
    assert list(work.iterdir()) == []
    rejected = sorted(path.name for path in (laboratory.folder / "rejected").iterdir())
    assert rejected == ["alien", "torn"]


def test_an_export_reaches_the_store_from_a_cache_behind_a_link(
    laboratory: Laboratory,
    random_smolvlm: Artifact,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "scratch").mkdir()
    os.symlink(tmp_path / "scratch", laboratory.folder / "artifacts")
    laboratory.jobs = laboratory.restarted()
    program = tmp_path / "exporter"
    made = random_smolvlm.directory.parents[1]
    told = {"made": str(made), "artifact": random_smolvlm.directory.name}
    program.write_text(EXPORTER.format(python=sys.executable, **told))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    job = JOB.model_copy(update={"kind": "export", "suite": ""})
    order = JobOrder(job=job, demand=Demand(), expected_s=1.0)
    outcome = laboratory.jobs.carry_out(Assignment(order=order), [].append).result(60)
    assert outcome == JobOutcome(kind="stored", exit_status=0)
    end = laboratory.store.find_end(job.key)
    assert end is not None
    names = {file.path.split("/")[-1] for file in end.files}
    assert {"manifest.json", *(entry.file for entry in random_smolvlm.manifest.components)} <= names
    assert list((laboratory.folder / "work").iterdir()) == []
    kept = {record.name for record in (tmp_path / "scratch" / ".farm").iterdir()}
    assert f"artifacts+{random_smolvlm.directory.name}" in kept
