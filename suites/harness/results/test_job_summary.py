"""The page of a CI job says what is not green."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from harness.measure.change_point import ChangePoint
from harness.measure.verdict import Status
from harness.results.job_summary import job_summary
from harness.results.journal import Journal
from harness.results.rows.schema import ComparisonRow, OutcomeRow, QuarantineRow
from harness.results.series import Series
from harness.results.trend_alerts import TrendAlert
from suites.harness.results.made_up import SUBJECT, TEST, a_session, a_verdict, night_id, write_run


def test_a_green_run_is_short(tmp_path: Path) -> None:
    told = job_summary(write_run(tmp_path, 0, [a_verdict()]), [])
    assert told.splitlines()[0] == f"## Run `{night_id(0)}`: green"
    assert "|" not in told


def test_a_killed_run_says_so(tmp_path: Path) -> None:
    assert "did not finish" in job_summary(write_run(tmp_path, 0, [], exit_status=None), [])


def test_a_run_of_which_one_session_was_killed_is_not_green(tmp_path: Path) -> None:
    run = write_run(tmp_path, 0, [a_verdict()])
    with Journal(run, "main-2") as journal:
        journal.append(a_session(run.name, "main-2"))
    assert "did not finish" in job_summary(run, [])


def test_quarantine_is_at_the_top(tmp_path: Path) -> None:
    row = QuarantineRow(
        metric="decode_tps",
        model="tiny_smolvlm",
        where="mode=kv",
        owner="ada@example.org",
        reason="flips",
        expires=date(2026, 9, 14),
        expired=True,
    )
    lines = job_summary(write_run(tmp_path, 0, [row, a_verdict(Status.FAIL)], 1), []).splitlines()
    [place] = [number for number, line in enumerate(lines) if "Quarantine is over" in line]
    assert "decode_tps of tiny_smolvlm (mode=kv), ada@example.org until 2026-09-14" in lines[place]
    assert place < next(number for number, line in enumerate(lines) if line.startswith("| fail"))


def test_of_a_metric_measured_again_the_last_verdict_counts(tmp_path: Path) -> None:
    rows = [a_verdict(Status.FAIL), a_verdict(Status.INCONCLUSIVE, cold_session=1)]
    told = job_summary(write_run(tmp_path, 0, rows, 10), [])
    assert "1 verdict: 0 pass, 0 fail, 1 inconclusive" in told


def test_quarantined_verdicts_are_marked(tmp_path: Path) -> None:
    told = job_summary(write_run(tmp_path, 0, [a_verdict(Status.FAIL, quarantined=True)]), [])
    assert "| fail (quarantined) | decode_tps |" in told


def test_a_test_that_broke_is_named_with_its_last_line(tmp_path: Path) -> None:
    row = OutcomeRow(
        test_id=TEST,
        outcome="error",
        duration_s=1,
        message="first\nno such image",
        rerun_command="pytest",
    )
    assert f"- **error** `{TEST}`: no such image" in job_summary(write_run(tmp_path, 0, [row]), [])


def test_comparisons_have_their_own_table_and_cells_stay_cells(tmp_path: Path) -> None:
    row = ComparisonRow.model_validate(
        {
            **SUBJECT,
            "baseline_key": "f00d",
            "metric": "decode_tps",
            "unit": "token/s",
            "outcome": "slower",
            "n_pairs": 20,
            "sentence": "SLOWER | by 5 %",
        }
    )
    told = job_summary(write_run(tmp_path, 0, [row]), [])
    assert "| slower | decode_tps | SLOWER &#124; by 5 % |" in told
    cold = {"outcome": "inconclusive", "sentence": "again", "cold_session": 1, "quarantined": True}
    told = job_summary(write_run(tmp_path, 1, [row, row.model_copy(update=cold)]), [])
    assert "| inconclusive (quarantined) | decode_tps | again |" in told
    assert "SLOWER" not in told


def test_a_trend_is_told(tmp_path: Path) -> None:
    alert = TrendAlert(
        Series("tiny_smolvlm", "decode_tps"),
        night_id(4),
        night_id(5),
        ChangePoint(index=5, found_at=9, before=100.0, after=90.0, p_value=1e-6),
        "token/s",
    )
    told = job_summary(write_run(tmp_path, 0, [], 13), [alert])
    assert "green, but a trend turned to the worse" in told
    assert "- **Trend**: decode_tps of tiny_smolvlm changed by -10.0 % since run" in told


def test_hundreds_of_verdicts_do_not_flood_the_page(tmp_path: Path) -> None:
    rows = [a_verdict(Status.FAIL, test_id=f"{TEST}{number}") for number in range(120)]
    told = job_summary(write_run(tmp_path, 0, rows), [])
    assert told.count("\n| fail |") == 50
    assert "and 70 more, see the report." in told
