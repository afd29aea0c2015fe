"""The command and the files it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.results.journal import Journal
from harness.results.rows.schema import SampleRow, parse_row
from reports.build import build_report
from reports.command_line import main
from suites.harness.reports.small_run import RUN_ID, sample_rows, session_row

FILES = {"index.html", "results.csv", "samples.jsonl", "junit.xml"}


def test_a_report_is_four_whole_files(finished_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    summary = build_report(finished_run, out)
    assert {file.name for file in out.iterdir()} == FILES
    assert set(summary.files) == set(out.iterdir())
    assert summary.files[0] == out / "index.html"
    assert summary.word == "FAIL"


def test_samples_jsonl_holds_the_rows_as_they_were_journaled(
    finished_run: Path, tmp_path: Path
) -> None:
    build_report(finished_run, tmp_path / "out")
    lines = (tmp_path / "out" / "samples.jsonl").read_bytes().split(b"\n")
    rows = [parse_row(line) for line in lines if line]
    samples = [row for row in rows if isinstance(row, SampleRow)]
    assert [row.value for row in samples] == [row.value for row in sample_rows()]
    assert sum(json.loads(line)["kind"] == "answer" for line in lines if line) == 4


def test_pytests_own_junit_of_this_run_is_kept(finished_run: Path, tmp_path: Path) -> None:
    own = f'<testsuites><property name="run_id" value="{RUN_ID}"/></testsuites>'
    (tmp_path / "junit.xml").write_text(own)
    build_report(finished_run, tmp_path)
    assert (tmp_path / "junit.xml").read_text() == own


def test_a_junit_of_another_run_is_replaced(finished_run: Path, tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text("<testsuites/>")
    build_report(finished_run, tmp_path)
    assert RUN_ID in (tmp_path / "junit.xml").read_text()


def test_a_killed_session_is_reported_as_far_as_it_came(tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from harness.results.journal import Journal
from harness.results.rows.schema import SampleRow
journal = Journal(Path(sys.argv[1]), "gw0")
for index in range(3):
    journal.append(
        SampleRow(test_id="t", metric="load_ms", value=1.5, unit="ms", run_index=index)
    )
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
    summary = build_report(tmp_path / "run", tmp_path / "out")
    assert summary.word == "NOT FINISHED"
    assert len((tmp_path / "out" / "samples.jsonl").read_text().splitlines()) == 3


def test_workers_rows_are_reported_together(tmp_path: Path) -> None:
    for worker, rows in (("gw0", sample_rows()[:2]), ("gw1", sample_rows()[2:])):
        with Journal(tmp_path / "run", worker) as journal:
            journal.append(session_row().model_copy(update={"worker": worker}))
            for row in rows:
                journal.append(row)
    build_report(tmp_path / "run", tmp_path / "out")
    lines = (tmp_path / "out" / "samples.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["run_index"] for line in lines) == [0, 1, 2, 3, 4, 5]
    assert "gw0, gw1" in (tmp_path / "out" / "index.html").read_text()


def test_a_failed_build_leaves_the_last_report_alone(finished_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_report(finished_run, out)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    with (finished_run / "rows-gw9.jsonl").open("w") as journal:
        journal.write("no row\n")
    with pytest.raises(UserError, match="line 1 is damaged"):
        build_report(finished_run, out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_the_command_reports_the_latest_run(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["--results", str(finished_run.parent), "--report-dir", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("FAIL: 1 of 2 verdicts fails")
    assert str(out / "index.html") in printed


def test_the_command_reports_a_run_by_folder(finished_run: Path, tmp_path: Path) -> None:
    assert main(["--run", str(finished_run), "--report-dir", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize("more", [[], ["--bundle", "latest"]])
def test_a_folder_that_cannot_be_made_is_one_sentence_and_exit_code_2(
    finished_run: Path, tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    out = str(tmp_path / "file" / "out")
    assert main(["--results", str(finished_run.parent), "--report-dir", out, *more]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"{out} cannot be read or written (Not a directory)")
    assert told.count("\n") == 1


def test_nothing_to_report_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reports", "--results", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "holds no runs" in result.stderr
