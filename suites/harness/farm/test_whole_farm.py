"""A farm on this machine: the real scheduler, workers, sessions and kills, over TLS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.local_farm import ROOT, SCHEDULER, LocalFarm, LocalHost
from harness.artifacts.artifact import Artifact
from harness.results.run import Run
from harness.results.runs import latest_run

PATIENCE_S = 240.0
HOSTS = (LocalHost("ada"), LocalHost("bob"))


def night(farm: LocalFarm, artifact: Artifact, results: str) -> list[str]:
    """A session whose tests the farm runs."""
    return [
        sys.executable,
        *("-m", "pytest", "suites/size", "suites/robustness", "-p", "no:cacheprovider"),
        *("--pre-gen-pte", str(artifact.directory), "--allow", "no-gate"),
        *("--results", str(farm.folder / results), "--report-dir", str(farm.folder / "report")),
        *farm.words,
    ]


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[LocalFarm]:
    with LocalFarm(tmp_path, HOSTS) as made:
        yield made


def outcomes(results: Path) -> dict[str, tuple[str, object]]:
    rows = Run.read(latest_run(results)).outcomes
    told = {row.test_id: (row.outcome, row.status) for row in rows}
    assert len(told) == len(rows)
    return told


@pytest.mark.parametrize("kind", ["folder", "object store"])
def test_a_night_on_a_farm_is_the_night_without_one_and_is_not_run_twice(
    kind: str, random_smolvlm: Artifact, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    bucket = request.getfixturevalue("object_store") if kind == "object store" else None
    with LocalFarm(tmp_path, HOSTS, bucket and f"{bucket}/whole") as farm:
        _compare_nights(farm, random_smolvlm)


def _compare_nights(farm: LocalFarm, random_smolvlm: Artifact) -> None:
    words = night(farm, random_smolvlm, "spread")
    spread = subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S)
    alone_words = night(farm, random_smolvlm, "alone")
    alone_words = alone_words[: alone_words.index("--farm")]
    alone = subprocess.run(alone_words, cwd=ROOT, text=True, capture_output=True)
    assert spread.returncode == alone.returncode, spread.stdout + spread.stderr
    assert outcomes(farm.folder / "spread") == outcomes(farm.folder / "alone")
    run_of_all = Run.read(latest_run(farm.folder / "spread"))
    assert len(run_of_all.controllers) == 2
    assert run_of_all.finished
    assert run_of_all.is_whole
    assert run_of_all.clock_sentences == ()
    assert (farm.folder / "report" / "index.html").is_file()

    again = subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S)
    assert again.returncode == spread.returncode
    assert "running on" in spread.stdout
    assert "running on" not in again.stdout
    assert outcomes(farm.folder / "spread") == outcomes(farm.folder / "alone")


def test_a_night_outlives_its_scheduler_and_a_host(
    farm: LocalFarm, random_smolvlm: Artifact
) -> None:
    words = night(farm, random_smolvlm, "spread")
    with subprocess.Popen(
        words, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as session:
        farm.wait_for(["running", "ada", "bob"])
        jobs = [
            child
            for name in ("ada", "bob")
            for child in psutil.Process(farm.processes[name].pid).children(recursive=True)
        ]
        farm.kill(SCHEDULER)
        farm.kill("ada")
        farm.start(SCHEDULER)
        out, _ = session.communicate(timeout=PATIENCE_S)
    assert session.returncode == 0, out
    alone_words = night(farm, random_smolvlm, "alone")
    subprocess.run(alone_words[: alone_words.index("--farm")], cwd=ROOT, capture_output=True)
    assert outcomes(farm.folder / "spread") == outcomes(farm.folder / "alone")
    assert jobs
    _, left = psutil.wait_procs(jobs, timeout=60)
    assert left == []
    assert os.listdir(farm.folder / "work" / "bob" / "jobs") == []


def test_another_store_is_refused_and_runs_may_have_parts(
    farm: LocalFarm, random_smolvlm: Artifact
) -> None:
    run = ["--run-id", "20261130T010203Z-abcdef", "--max-warnings", "100"]
    words = [*night(farm, random_smolvlm, "spread"), *run]
    first = subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S)
    assert first.returncode == 0, first.stdout + first.stderr
    elsewhere = list(words)
    elsewhere[words.index("--store") + 1] = str(farm.folder / "another store")
    refused = subprocess.run(
        elsewhere, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S
    )
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR, refused.stdout
    assert "another store is no store yet, and hosts of the farm have" in refused.stderr
    words.remove("suites/robustness")
    second = subprocess.run(words, cwd=ROOT, text=True, capture_output=True, timeout=PATIENCE_S)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "running on" not in second.stdout
    run_of_all = Run.read(latest_run(farm.folder / "spread"))
    assert {row.outcome for row in run_of_all.outcomes} <= {"passed", "skipped"}
    assert len(run_of_all.controllers) == 3


def test_a_host_that_is_terminated_ends_its_jobs(farm: LocalFarm, random_smolvlm: Artifact) -> None:
    words = night(farm, random_smolvlm, "spread")
    with subprocess.Popen(words, cwd=ROOT, text=True, stdout=subprocess.DEVNULL) as session:
        farm.wait_for(["running"])
        ended = [farm.processes[name] for name in ("ada", "bob")]
        jobs = [
            child
            for worker in ended
            for child in psutil.Process(worker.pid).children(recursive=True)
        ]
        assert jobs
        for worker in ended:
            worker.send_signal(signal.SIGTERM)
        for worker in ended:
            assert worker.wait(60) == 0
        _, left = psutil.wait_procs(jobs, timeout=60)
        assert left == []
        session.send_signal(signal.SIGINT)
        assert session.wait(60) == pytest.ExitCode.INTERRUPTED
