"""A run ends as the worst of its sessions and when all of them ended, and is found by its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.results.rows.schema import SessionEndRow
from harness.results.runs import find_run, run_status
from suites.harness.results.made_up import a_session, write_run

TWO_SESSIONS = ["main", "gw0", "gw1", "main-2", "gw0-2"]


@pytest.mark.parametrize(
    ("exit_statuses", "status"),
    [
        ([0, 0], 0),
        ([0, 13], 13),
        ([10, 1], 1),
        ([12, 11], 11),
        ([0], None),
        ([], None),
    ],
)
def test_the_worst_session_decides(exit_statuses: list[int], status: int | None) -> None:
    sessions = [a_session("run", worker) for worker in TWO_SESSIONS]
    ends = [SessionEndRow(exit_status=one) for one in exit_statuses]
    assert run_status(sessions, ends) == status


def test_a_run_whose_first_row_was_torn_has_not_ended() -> None:
    assert run_status([], []) is None


@pytest.mark.parametrize(
    "name", ["latest", "{run}", "{run}/", "20260901", "{path}", "{path}/", "{path}/rows-main.jsonl"]
)
def test_a_run_is_named_by_whatever_is_shown_of_it(tmp_path: Path, name: str) -> None:
    path = write_run(tmp_path, 0, [])
    assert find_run(tmp_path, name.format(run=path.name, path=path)) == path


@pytest.mark.parametrize(
    ("name", "told"),
    [("2026", "2 runs of .* begin with '2026'"), ("", "no run ''"), ("2027", "--results .*runs")],
)
def test_a_name_of_no_run_or_of_several_is_told(tmp_path: Path, name: str, told: str) -> None:
    results = tmp_path / "runs"
    for night in (0, 1):
        write_run(results, night, [])
    with pytest.raises(UserError, match=told):
        find_run(results, name)
