"""A farm on this machine: the real scheduler, workers, sessions and kills, over TLS."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

import harness
from harness.artifacts.artifact import Artifact
from harness.farm.certificates import make_certificates
from harness.results.run import Run
from harness.results.runs import latest_run

ROOT = Path(harness.__file__).parents[1]
PATIENCE_S = 240.0


def run(*command: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", *map(str, command)]
    return subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S)


@dataclass
class Farm:
    """Processes of a farm, with what they are told."""

    folder: Path
    port: int
    stack: ExitStack
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    @property
    def shared(self) -> list[str]:
        return ["--certificates", str(self.folder / "certificates")]

    @property
    def store(self) -> list[str]:
        return ["--store", str(self.folder / "störe")]

    def start(self, name: str) -> None:
        part = "scheduler" if name == "scheduler" else "worker"
        words = [sys.executable, "-m", "harness", "farm", part, "--scheduler", self.address]
        words += self.shared
        if part == "worker":
            words += ["--host-name", name, "--no-phones", *self.store]
            words += ["--work-dir", str(self.folder / "work")]
        log = self.stack.enter_context((self.folder / f"{name}.log").open("a+"))
        process = subprocess.Popen(words, cwd=ROOT, stdout=log, stderr=log, text=True)
        self.stack.callback(self.end, process)
        self.processes[name] = process

    def kill(self, name: str) -> None:
        self.processes[name].kill()
        self.processes[name].wait()

    def end(self, process: subprocess.Popen[str]) -> None:
        process.terminate()
        process.wait(PATIENCE_S)

    def status(self) -> str:
        told = run("harness", "farm", "status", "--scheduler", self.address, *self.shared)
        return told.stdout + told.stderr

    def wait_for(self, words: Sequence[str]) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while not all(word in (told := self.status()) for word in words):
            assert time.monotonic() < end_s, told
            time.sleep(0.2)

    def night(self, artifact: Artifact, results: str) -> list[str]:
        """A session whose tests the farm runs."""
        return [
            sys.executable,
            *("-m", "pytest", "suites/size", "suites/robustness", "-p", "no:cacheprovider"),
            *("--pre-gen-pte", str(artifact.directory), "--allow", "no-gate,unjudged"),
            *("--results", str(self.folder / results), "--report-dir", str(self.folder / "report")),
            *("--farm", self.address, *self.shared, *self.store),
        ]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[Farm]:
    make_certificates(tmp_path / "certificates", ("127.0.0.1",))
    with socket.socket() as free, ExitStack() as stack:
        free.bind(("127.0.0.1", 0))
        made = Farm(tmp_path, free.getsockname()[1], stack)
        free.close()
        for name in ("scheduler", "ada", "bob"):
            made.start(name)
        made.wait_for(["ada", "bob"])
        yield made


def outcomes(results: Path) -> dict[str, tuple[str, object]]:
    rows = Run.read(latest_run(results)).outcomes
    told = {row.test_id: (row.outcome, row.status) for row in rows}
    assert len(told) == len(rows)
    return told


def test_a_night_on_a_farm_is_the_night_without_one_and_is_not_run_twice(
    farm: Farm, random_smolvlm: Artifact
) -> None:
    night = farm.night(random_smolvlm, "spread")
    spread = subprocess.run(night, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S)
    alone_words = farm.night(random_smolvlm, "alone")
    alone_words = alone_words[: alone_words.index("--farm")]
    alone = subprocess.run(alone_words, cwd=ROOT, text=True, capture_output=True)
    assert spread.returncode == alone.returncode, spread.stdout + spread.stderr
    assert outcomes(farm.folder / "spread") == outcomes(farm.folder / "alone")
    run_of_all = Run.read(latest_run(farm.folder / "spread"))
    assert len(run_of_all.controllers) == 2
    assert run_of_all.finished
    assert run_of_all.is_whole
    assert (farm.folder / "report" / "index.html").is_file()

    again = subprocess.run(night, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S)
    assert again.returncode == spread.returncode
    assert "running on" in spread.stdout
    assert "running on" not in again.stdout
    assert outcomes(farm.folder / "spread") == outcomes(farm.folder / "alone")


def test_a_night_outlives_its_scheduler_and_a_host(farm: Farm, random_smolvlm: Artifact) -> None:
    night = farm.night(random_smolvlm, "spread")
    with subprocess.Popen(night, cwd=ROOT, text=True, stdout=subprocess.PIPE) as session:
        farm.wait_for(["running", "ada", "bob"])
        jobs = [
            child
            for name in ("ada", "bob")
            for child in psutil.Process(farm.processes[name].pid).children(recursive=True)
        ]
        farm.kill("scheduler")
        farm.kill("ada")
        farm.start("scheduler")
        out, _ = session.communicate(timeout=PATIENCE_S)
    assert session.returncode == 0, out
    assert len(outcomes(farm.folder / "spread")) > 0
    _, left = psutil.wait_procs(jobs, timeout=60)
    assert left == []
    assert os.listdir(farm.folder / "work" / "bob" / "jobs") == []


def test_ctrl_c_ends_a_host_and_its_jobs(farm: Farm, random_smolvlm: Artifact) -> None:
    night = farm.night(random_smolvlm, "spread")
    with subprocess.Popen(night, cwd=ROOT, text=True, stdout=subprocess.DEVNULL) as session:
        farm.wait_for(["running"])
        ended = [farm.processes[name] for name in ("ada", "bob")]
        jobs = [
            child
            for worker in ended
            for child in psutil.Process(worker.pid).children(recursive=True)
        ]
        assert jobs
        for worker in ended:
            worker.send_signal(signal.SIGINT)
        for worker in ended:
            assert worker.wait(60) == 0
        _, left = psutil.wait_procs(jobs, timeout=60)
        assert left == []
        session.send_signal(signal.SIGINT)
        assert session.wait(60) == pytest.ExitCode.INTERRUPTED
