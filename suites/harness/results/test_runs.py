"""A run ends as the worst of its sessions, and only when all of them ended."""

from __future__ import annotations

import pytest

from harness.results.rows.schema import SessionEndRow
from harness.results.runs import run_status
from suites.harness.results.made_up import a_session

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
