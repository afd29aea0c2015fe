"""A target of another package, one module and one line, is exported for, run on and judged."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from harness.artifacts.manifest import MANIFEST_NAME
from harness.measure.verdict import Status
from harness.results.journal_copies import read_rows
from harness.results.rows.schema import DeviceRow, SampleRow, VerdictRow
from harness.results.runs import latest_run
from suites.harness.fixtures.conftest import ROOT, session

pytest_plugins = ["pytester"]

MODULE = """
from contextlib import nullcontext

from harness.devices.host import HostDevice, HostPlace
from harness.targets.backend import XNNPACK
from harness.targets.target import TargetSpec

LOOPBACK = TargetSpec("loopback", XNNPACK, place="snapgate_loopback:LoopbackPlace")


class LoopbackDevice(HostDevice):
    target = LOOPBACK.name
    serial = "loopback-1"


class LoopbackPlace(HostPlace):
    def open(self):
        return nullcontext(LoopbackDevice())
"""
LINE = "[snapgate.targets]\nloopback = snapgate_loopback:LOOPBACK\n"
GATES = """
[[gate]]
metric = "exact_match"
target = "loopback"
min = 0.5
confidence = "derived"
source = "the test that wrote this"
since = 2026-11-23
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the search path, as pip would fill it."""
    folder = tmp_path / "site-packages"
    about = folder / "snapgate_loopback-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "snapgate_loopback.py").write_text(MODULE)
    (about / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: snapgate-loopback\nVersion: 1.0\n"
    )
    (about / "entry_points.txt").write_text(LINE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(folder)]))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


@pytest.mark.usefixtures("package")
def test_answers_on_it_are_judged_by_gates_of_its_own(
    pytester: pytest.Pytester, tmp_path: Path
) -> None:
    """In every process: the session's, its exporters' and its runner's."""
    thresholds = tmp_path / "thresholds"
    thresholds.mkdir()
    (thresholds / "socs.toml").touch()
    (thresholds / "tiny_smolvlm.toml").write_text(GATES)
    given = {
        "target": "loopback",
        "model": "tiny_smolvlm",
        "mode": "kv",
        "precision": "fp32",
        "scenes": 10,
        "thresholds": thresholds,
        "results": tmp_path / "results",
        "artifacts": tmp_path / "artifacts",
        "report-dir": tmp_path / "report",
    }
    options = [f"--{name}={value}" for name, value in given.items()]
    right = ROOT / "suites" / "accuracy" / "test_answers.py"
    result = pytester.runpytest_subprocess(*session("-k", "answers_are_right", *options, right))
    assert result.ret == 0, result.stdout.str()
    (manifest,) = (tmp_path / "artifacts" / "artifacts").glob(f"*/{MANIFEST_NAME}")
    made_for = json.loads(manifest.read_text())
    assert (made_for["target"], made_for["backend"]) == ("loopback", "xnnpack")
    rows = read_rows(latest_run(tmp_path / "results")).rows
    verdicts = [row for row in rows if isinstance(row, VerdictRow)]
    assert {(row.status, row.target) for row in verdicts} == {(Status.PASS, "loopback")}
    assert {row.device for row in rows if isinstance(row, DeviceRow)} == {"loopback-1"}
    assert all(row.target == "loopback" for row in rows if isinstance(row, SampleRow))
    assert "loopback" in (tmp_path / "report" / "index.html").read_text()


@pytest.mark.usefixtures("package")
def test_an_export_for_it_is_asked_for_by_its_name(pytester: pytest.Pytester) -> None:
    command = (sys.executable, "-m", "harness", "export", "tiny_smolvlm")
    result = pytester.run(*command, "--target", "loopbak")
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*loopbak*loopback*"])
