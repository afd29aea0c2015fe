"""Verdicts to the exit status of a session."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from harness.measure.exit_status import exit_status, parse_allow, worst_status
from harness.measure.verdict import Status


@pytest.mark.parametrize(
    ("statuses", "allow", "code"),
    [
        ([], "", 0),
        ([Status.PASS, Status.PASS], "", 0),
        ([Status.PASS, Status.INCONCLUSIVE], "", 10),
        ([Status.PASS, Status.NO_GATE], "", 11),
        ([Status.PASS, Status.BLOCKED], "", 12),
        ([Status.BLOCKED, Status.NO_GATE, Status.FAIL], "", 1),
        ([Status.BLOCKED, Status.INCONCLUSIVE], "", 10),
        ([Status.BLOCKED, Status.INCONCLUSIVE], "inconclusive", 12),
        ([Status.BLOCKED, Status.NO_GATE, Status.PASS], "no-gate, blocked", 0),
        ([Status.FAIL], "inconclusive,no-gate,blocked", 1),
    ],
)
def test_the_first_kind_that_is_not_allowed_decides(
    statuses: list[Status], allow: str, code: int
) -> None:
    assert exit_status(statuses, parse_allow(allow)) == code


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 13], 13),
        ([13, 14], 14),
        ([5, 0], 5),
        ([14, 10], 10),
        ([11, 1, 2], 1),
        ([7, 1], 7),
        ([0, 4], 4),
    ],
)
def test_the_worst_session_speaks_for_a_run(statuses: list[int], worst: int) -> None:
    """Of sessions that ended well but for a trend and such that judged nothing, the latter."""
    assert worst_status(statuses) == worst


def test_a_failure_counts_even_if_a_caller_allows_it() -> None:
    assert exit_status([Status.FAIL], allow=list(Status)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blockd", "did you mean blocked"),
        ("no gate", "did you mean no-gate"),
        ("fail", "does not take 'fail'"),
        ("pass", "does not take 'pass'"),
    ],
)
def test_allowing_anything_else_is_an_error(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_allow(text)
