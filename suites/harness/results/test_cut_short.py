"""A run that ended early says how much of it there is, and what is stored of a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.verdict import Status
from harness.results.job_summary import job_summary
from harness.results.rows.schema import OutcomeRow, Row
from harness.results.run import Run
from reports.headline import headline
from reports.junit import render_junit
from suites.harness.results.made_up import SUBJECT, a_verdict, samples, write_run


def an_outcome(number: int, **fields: object) -> OutcomeRow:
    given: dict[str, object] = {
        "test_id": f"suites/size/test_pte.py::test_{number}",
        "outcome": "passed",
        "duration_s": 1.0,
        "rerun_command": "pytest",
    }
    return OutcomeRow.model_validate({**given, **fields})


NINE = [an_outcome(number) for number in range(9)]


@pytest.mark.parametrize(
    ("exit_status", "why"),
    [(None, "did not finish"), (2, "was interrupted"), (1, "ended early"), (14, "ended early")],
)
def test_nine_of_eighteen_tests_are_told_everywhere(
    tmp_path: Path, exit_status: int | None, why: str
) -> None:
    run = Run.read(write_run(tmp_path, 0, [a_verdict(), *NINE], exit_status, planned=18))
    assert run.unfinished is not None
    assert f"{why}" in run.unfinished
    assert "after 9 of 18 tests." in run.unfinished
    assert headline(run).word == "NOT FINISHED"
    assert run.unfinished in job_summary(run.directory, [])
    junit = render_junit(run).decode()
    assert run.unfinished in junit
    assert 'tests="10" failures="0" errors="1"' in junit


def test_an_earlier_versions_session_says_only_that_it_died(tmp_path: Path) -> None:
    run = Run.read(write_run(tmp_path, 0, NINE, None))
    assert run.unfinished is not None
    assert " of " not in run.unfinished


@pytest.mark.parametrize("exit_status", [None, 5])
def test_a_run_in_which_no_test_ended_tells_of_none_that_were_skipped(
    tmp_path: Path, exit_status: int | None
) -> None:
    sentence = headline(Run.read(write_run(tmp_path, 0, [], exit_status))).sentence
    assert "Nothing was judged, no test has ended." in sentence
    assert "skipped" not in sentence


def test_a_run_whose_tests_were_all_skipped_judged_nothing(tmp_path: Path) -> None:
    skipped = [an_outcome(one, outcome="skipped", message="no phone here") for one in range(3)]
    run = Run.read(write_run(tmp_path, 0, skipped, 14, planned=3))
    top = headline(run)
    assert top.word == "NOTHING JUDGED"
    assert top.sentence == "Nothing was judged, 3 tests skipped: no phone here."
    assert "nothing judged" in job_summary(run.directory, [])
    assert "Nothing was judged." in render_junit(run).decode()


@pytest.mark.parametrize(
    "row",
    [an_outcome(0, status=Status.BLOCKED, outcome="skipped"), an_outcome(0, outcome="failed")],
)
def test_a_verdict_or_a_failure_is_not_nothing(tmp_path: Path, row: Row) -> None:
    assert not Run.read(write_run(tmp_path, 0, [row], 1, planned=1)).judged_nothing


@pytest.mark.parametrize(("options", "planned"), [({}, 20), ({"pairs": 8}, 8)])
def test_a_killed_comparison_says_how_many_pairs_it_stored(
    tmp_path: Path, options: dict[str, object], planned: int
) -> None:
    rows = [*samples([1.0] * 6, side="A"), *samples([1.0] * 5, side="B")]
    run = Run.read(write_run(tmp_path, 0, rows, None, options=options, planned=4))
    [sentence] = run.cut_short
    where = f"{SUBJECT['model']} kv on host-5ca1ab1e"
    assert f"comparison of {where} has 5 of {planned} pairs in the store" in sentence
    assert sentence in headline(run).sentence
    assert sentence in job_summary(run.directory, [])


def test_reruns_by_a_plugin_are_told(tmp_path: Path) -> None:
    run = Run.read(write_run(tmp_path, 0, [an_outcome(0, reruns=2)], 0, planned=1))
    assert "1 test ran again by a plugin" in headline(run).sentence
    assert "test_0` (2)" in job_summary(run.directory, [])
    assert '<property name="reruns" value="2" />' in render_junit(run).decode()
