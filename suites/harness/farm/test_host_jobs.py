"""What a host does with a job, and with its store when that is gone for a while."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from harness.farm.demand import Demand
from harness.farm.host_jobs import HostFolders, HostJobs
from harness.farm.job import Job
from harness.farm.order import Assignment, JobOrder, JobOutcome
from harness.farm.store import FarmStore

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


class Laboratory:
    """A host whose sessions end as a script says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.phones = {"P0"}
        self.store = FarmStore(str(folder / "store"))
        self._monkeypatch = monkeypatch
        self._python = sys.executable
        self.jobs = self.restarted()

    def restarted(self) -> HostJobs:
        folders = HostFolders(self.folder / "work", self.folder / "artifacts")
        return HostJobs("bench", folders, self.store, self.phones.__contains__)

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

    def carry_out(self, serialno: str | None = None, lines: list[str] | None = None) -> JobOutcome:
        order = JobOrder(job=JOB, demand=Demand(), expected_s=1.0)
        tell = [].append if lines is None else lines.append
        return self.jobs.carry_out(Assignment(order=order, serialno=serialno), tell).result(60)


@pytest.fixture
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    return Laboratory(tmp_path, monkeypatch)


@pytest.mark.parametrize("status", [0, 1, 10, 11, 12, 13, 14])
def test_an_end_that_judges_is_stored_with_its_rows(laboratory: Laboratory, status: int) -> None:
    laboratory.runs(f"sys.exit({status})")
    lines: list[str] = []
    assert laboratory.carry_out("P0", lines) == JobOutcome(kind="stored", exit_status=status)
    assert lines == ["it ran"]
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


def test_a_phone_that_is_gone_is_to_blame(laboratory: Laboratory) -> None:
    laboratory.runs("sys.exit(1)")
    laboratory.phones.clear()
    assert laboratory.carry_out("P0").kind == "phone broke"
    assert laboratory.store.find_end(JOB.key) is None


def test_a_store_that_is_gone_for_a_while_loses_nothing(laboratory: Laboratory) -> None:
    store = laboratory.folder / "store"
    laboratory.runs(f"open({str(store)!r}, 'w').close()")
    future = laboratory.jobs.carry_out(
        Assignment(order=JobOrder(job=JOB, demand=Demand(), expected_s=1.0)), [].append
    )
    end_s = time.monotonic() + 30
    while not store.is_file():
        assert time.monotonic() < end_s
        time.sleep(0.05)
    time.sleep(1.5)
    assert not future.done()
    assert len(laboratory.jobs.running) == 1
    store.unlink()
    assert future.result(60).kind == "stored"
    assert laboratory.store.find_end(JOB.key) is not None
    assert laboratory.ran == 1


def test_what_a_host_could_not_send_it_sends_when_it_starts_again(laboratory: Laboratory) -> None:
    laboratory.runs("sys.exit(10)")
    work, kept = laboratory.folder / "work" / JOB.key, laboratory.folder / "kept"
    sent = laboratory.jobs._send

    def copy_first(end: object, folder: Path) -> object:
        shutil.copytree(folder, kept)
        return sent(end, folder)  # type: ignore[arg-type]

    laboratory.jobs._send = copy_first  # type: ignore[method-assign,assignment]
    laboratory.carry_out()
    shutil.rmtree(laboratory.folder / "store")
    shutil.copytree(kept, work)
    (laboratory.folder / "work" / "halfway").mkdir()
    laboratory.restarted().send_left()
    end = laboratory.store.find_end(JOB.key)
    assert end is not None
    assert end.exit_status == 10
    assert list((laboratory.folder / "work").iterdir()) == []
