"""A bundle holds what a bug report needs, and the command line finds its run and its span."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.results.journal import Journal
from harness.results.rows.schema import OutcomeRow
from reports.bundle import write_bundle
from reports.command_line import main, parse_since
from suites.harness.reports.nights import write_levels
from suites.harness.reports.rendered import page_of
from suites.harness.reports.small_run import BROKEN_TEST, RUN_ID

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def bundle(finished_run: Path, tmp_path: Path) -> zipfile.ZipFile:
    """Of a run with a failure of which everything was kept."""
    row = OutcomeRow(
        test_id=f"{BROKEN_TEST}/../../etc",
        outcome="failed",
        duration_s=1.0,
        message="the runner ended with exit code -6",
        rerun_command="pytest suites/robustness",
        evidence={"command": "runner --requests r.jsonl", "logcat": "F libc: SIGABRT"},
    )
    with Journal(finished_run, "gw7") as journal:
        journal.append(row)
    return zipfile.ZipFile(write_bundle(finished_run, tmp_path / "out"))


def test_report_rows_pictures_and_environment_are_in_it(bundle: zipfile.ZipFile) -> None:
    names = {name.removeprefix(f"{RUN_ID}/") for name in bundle.namelist()}
    assert {"report/index.html", "report/results.csv", "report/junit.xml"} <= names
    assert {"rows/rows-main.jsonl", "rows/rows-gw7.jsonl", "environment.json"} <= names
    assert sum(name.endswith(".jpg") for name in names) == 2
    environment = json.loads(bundle.read(f"{RUN_ID}/environment.json"))
    assert environment["sessions"][0]["versions"]["torch"] == "2.13.0"


def test_every_failure_has_its_evidence_in_files_of_its_own(bundle: zipfile.ZipFile) -> None:
    kept = {
        Path(name).name: bundle.read(name).decode()
        for name in bundle.namelist()
        if f"{RUN_ID}/failures/001-" in name
    }
    assert kept == {
        "message.txt": "the runner ended with exit code -6",
        "run-it-alone.txt": "pytest suites/robustness",
        "command.txt": "runner --requests r.jsonl",
        "logcat.txt": "F libc: SIGABRT",
    }


def test_no_name_leads_out_of_the_bundle(bundle: zipfile.ZipFile) -> None:
    assert all(name.startswith(f"{RUN_ID}/") for name in bundle.namelist())
    assert not any(".." in Path(name).parts for name in bundle.namelist())


def test_the_command_packs_a_run_by_its_id_and_leaves_the_report_alone(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["--results", str(finished_run.parent), "--report-dir", str(out)]
    assert main([*arguments, "--bundle", RUN_ID]) == 0
    assert capsys.readouterr().out == f"{out / f'snapgate-{RUN_ID}.zip'}\n"
    assert [file.name for file in out.iterdir()] == [f"snapgate-{RUN_ID}.zip"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30d", datetime(2026, 10, 24, 12, tzinfo=UTC)),
        ("2w", datetime(2026, 11, 9, 12, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T06:00+01:00", datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ],
)
def test_since_is_a_date_or_a_span(text: str, moment: datetime) -> None:
    assert parse_since(text, NOW) == moment


def test_since_that_is_neither_is_refused() -> None:
    with pytest.raises(UserError, match="no date such as 2026-11-01 and no span such as 30d"):
        parse_since("yesterday", NOW)


def test_since_leaves_earlier_nights_out(tmp_path: Path) -> None:
    folder = write_levels(tmp_path, [100.0, 101.0, 102.0])
    [trend] = page_of(folder, since=datetime(2026, 10, 2, tzinfo=UTC)).data["trends"]
    assert [point[1] for point in trend["points"]] == [101.0, 102.0]


def test_a_run_before_the_span_is_shown_without_a_past(tmp_path: Path) -> None:
    folder = write_levels(tmp_path, [100.0, 101.0])
    page = page_of(folder, since=datetime(2027, 1, 1, tzinfo=UTC))
    assert page.data["trends"] == []
    assert len(page.data["verdicts"]) == 1
