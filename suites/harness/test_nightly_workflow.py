"""The nightly workflow on GitHub asks for what exists, and loses neither history nor report."""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.options.table import options_of

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "nightly.yml"
SCRIPT = ROOT / ".github" / "night.sh"
PYTEST_OPTIONS = {"--run-id", "-m", "-n"}


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    """Jobs of the workflow by name."""
    found: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return found


def names(job: dict[str, Any]) -> list[str]:
    """What the steps of a job are called."""
    return [step.get("name", step.get("uses")) for step in job["steps"]]


def test_hosts_and_emulator_are_hosted_and_phones_hang_on_runners_of_their_own(
    jobs: dict[str, Any],
) -> None:
    lanes = [lane["lane"] for lane in jobs["hosted"]["strategy"]["matrix"]["include"]]
    assert lanes == ["host", "emulator"]
    assert jobs["hosted"]["runs-on"].startswith("ubuntu-")
    assert jobs["phone"]["runs-on"] == ["self-hosted", "snapgate", "${{ matrix.soc }}"]


@pytest.mark.parametrize("job", ["hosted", "phone"])
def test_history_is_restored_before_and_saved_after_whatever_happened(
    jobs: dict[str, Any], job: str
) -> None:
    steps = names(jobs[job])
    order = [steps.index(name) for name in ("Restore history", "Judge", "Save history")]
    assert order == sorted(order)
    after = jobs[job]["steps"][steps.index("Judge") + 1 :]
    assert all("!cancelled()" in step["if"] for step in after)
    assert "Upload results and report" in steps


def test_every_night_mutates_other_files_for_five_minutes(jobs: dict[str, Any]) -> None:
    commands = [step.get("run", "") for step in jobs["hosted"]["steps"]]
    seeded = "python -m benchmarks.fuzz --seconds 300 --seed ${{ github.run_number }}"
    assert seeded in commands


def test_speed_is_compared_before_the_night_itself_can_be_the_last_green_one(
    jobs: dict[str, Any],
) -> None:
    steps = names(jobs["hosted"])
    assert steps.index("Compare speed with the last green night") < steps.index("Judge")


def test_only_options_that_exist_are_used(jobs: dict[str, Any]) -> None:
    lanes = jobs["hosted"]["strategy"]["matrix"]["include"]
    texts = [lane[key] for lane in lanes for key in ("judged", "compared") if key in lane]
    texts += [step["run"] for step in jobs["phone"]["steps"] if step.get("name") == "Judge"]
    words = {word for text in texts for word in shlex.split(text, comments=True)}
    flags = {word for word in words if re.fullmatch(r"--?[a-z][a-z-]*", word)}
    known = {option.flag for option in options_of("suites").values()} | PYTEST_OPTIONS
    assert flags - known == set()
    assert {"--target", "--soc", "--baseline", "--allow", "-m"} <= flags


STAND_IN = """#!/bin/bash
# Stands in for python: writes a run like a session would, or prints a summary.
if [ "$2" = pytest ]; then
  while [ "$1" != --run-id ]; do shift; done
  mkdir -p "$RESULTS/$2" "$REPORT"
  echo "TREND decode_tps changed"
  exit {status}
fi
echo "summary of $4"
"""


@pytest.mark.parametrize(("status", "ends"), [(0, 0), (1, 1), (2, 2), (10, 10), (13, 0)])
def test_a_trend_is_told_without_turning_the_job_red(
    tmp_path: Path, status: int, ends: int
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "python").write_text(STAND_IN.format(status=status))
    (tools / "python").chmod(stat.S_IRWXU)
    environment = {
        "PATH": f"{tools}:/usr/bin:/bin",
        "RESULTS": str(tmp_path / "results"),
        "REPORT": str(tmp_path / "report"),
        "ARTIFACTS": "",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    result = subprocess.run(
        [SCRIPT, "-m", "perf"], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == ends
    [run] = (tmp_path / "results").iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", run.name)
    assert (tmp_path / "summary.md").read_text() == f"summary of {run.name}\n"
    told = [file.read_text() for file in (tmp_path / "report").glob("trend-*.txt")]
    assert told == (["TREND decode_tps changed\n"] if status == 13 else [])
