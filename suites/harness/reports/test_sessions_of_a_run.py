"""A run that several sessions added to is one report, finished when all of them are."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.exit_status import INTERRUPTED
from harness.measure.verdict import Status
from harness.results.journal import Journal
from harness.results.rows.schema import OutcomeRow, SessionEndRow
from harness.results.run import Run
from reports.build import build_report
from reports.verdict_table import verdict_lines
from suites.harness.reports.nights import a_verdict
from suites.harness.reports.small_run import SPEED_TEST, session_row

EMULATOR = ("/usr/bin/pytest", "-m", "accuracy", "--target", "emulator")


def write_run(folder: Path, *exit_statuses: int | None) -> Path:
    """Two sessions, the second with a worker; None for one that died."""
    first = session_row()
    second = first.model_copy(update={"worker": "main-2", "argv": EMULATOR})
    worker = second.model_copy(update={"worker": "gw0-2"})
    for session, status in zip((first, second), exit_statuses, strict=True):
        with Journal(folder, session.worker) as journal:
            journal.append(session)
            if status is not None:
                journal.append(SessionEndRow(exit_status=status))
    with Journal(folder, worker.worker) as journal:
        journal.append(worker)
    return folder


@pytest.mark.parametrize(
    ("exit_statuses", "sentence"),
    [
        ((0, 0), None),
        ((0, 11), None),
        ((0, None), "did not finish"),
        ((None, 0), "did not finish"),
        ((INTERRUPTED, 0), "was interrupted"),
    ],
)
def test_a_run_is_finished_when_every_session_is(
    tmp_path: Path, exit_statuses: tuple[int | None, ...], sentence: str | None
) -> None:
    unfinished = Run.read(write_run(tmp_path / "run", *exit_statuses)).unfinished
    assert (unfinished is None) if sentence is None else sentence in str(unfinished)


def test_the_page_shows_every_command(tmp_path: Path) -> None:
    build_report(write_run(tmp_path / "run", 0, 10), tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text()
    assert "pytest -m &#39;perf or accuracy&#39; --target host" in page
    assert "pytest -m accuracy --target emulator" in page
    assert "<td>0, 10</td>" in page


def test_a_verdict_is_run_again_where_it_was_reached(tmp_path: Path) -> None:
    """Host and emulator give their tests the same names."""
    folder = tmp_path / "run"
    for worker, target in (("main", "host"), ("main-2", "emulator")):
        with Journal(folder, worker) as journal:
            journal.append(a_verdict(90.0, Status.FAIL, target=target))
            row = {
                "test_id": SPEED_TEST,
                "target": target,
                "outcome": "failed",
                "duration_s": 1.0,
                "rerun_command": f"pytest --target {target}",
            }
            journal.append(OutcomeRow.model_validate(row))
    told = {line.subject: line.rerun for line in verdict_lines(Run.read(folder))}
    assert told["kv · 8da4w · emulator"] == "pytest --target emulator"
    assert told["kv · 8da4w · host"] == "pytest --target host"
