"""A run that only --allow made green is told apart from one that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.measure.verdict import Status
from harness.results.allowed import find_allowed
from harness.results.history import load_history
from harness.results.job_summary import job_summary
from harness.results.rows.schema import OutcomeRow, Row
from harness.results.run import Run
from reports.past import read_past
from suites.harness.reports.nights import a_verdict, write_night

OUTCOMES = {Status.PASS: "passed"}


def ended(status: Status | None, test_id: str = "t") -> OutcomeRow:
    outcome = "skipped" if status is None else OUTCOMES.get(status, "skipped")
    fields: dict[str, Any] = {"test_id": test_id, "outcome": outcome, "status": status}
    return OutcomeRow.model_validate({**fields, "duration_s": 1.0, "rerun_command": "pytest"})


@pytest.mark.parametrize(
    ("allow", "rows", "found"),
    [
        ("", [ended(Status.PASS)], ()),
        ("blocked", [ended(Status.PASS)], ()),
        ("blocked", [ended(Status.BLOCKED)], ("blocked",)),
        ("blocked,no-gate", [a_verdict(1.0, Status.NO_GATE)], ("no-gate",)),
        (
            "no-gate, inconclusive",
            [ended(Status.NO_GATE), ended(Status.INCONCLUSIVE, "u")],
            ("inconclusive", "no-gate"),
        ),
        (
            "inconclusive",
            [
                a_verdict(1.0, Status.INCONCLUSIVE, quarantined=True, test_id="t"),
                ended(Status.INCONCLUSIVE),
            ],
            (),
        ),
        (
            "inconclusive",
            [
                a_verdict(1.0, Status.INCONCLUSIVE, test_id="t"),
                a_verdict(1.0, Status.PASS, test_id="t", cold_session=1),
                ended(Status.PASS),
            ],
            (),
        ),
        ("unjudged", [ended(None)], ("unjudged",)),
        ("unjudged", [], ("unjudged",)),
        ("unjudged", [ended(Status.PASS)], ()),
        ("a word of another version", [ended(Status.BLOCKED)], ()),
    ],
)
def test_what_was_let_through_is_named(
    tmp_path: Path, allow: str, rows: list[Row], found: tuple[str, ...]
) -> None:
    folder = write_night(tmp_path, 0, rows, options={"allow": allow} if allow else None)
    assert find_allowed(load_history(tmp_path)).get(folder.name, ()) == found
    [night] = read_past(Run.read(folder)).nights
    assert night.ending == ("allowed" if found else "green")
    assert ("--allow" in night.words) == bool(found)
    head = job_summary(folder, (), load_history(tmp_path)).splitlines()[0]
    assert head.endswith(f"green only by --allow {','.join(found)}" if found else ": green")


def test_a_session_that_ended_early_was_let_through(tmp_path: Path) -> None:
    options = {"allow": "unjudged"}
    folder = write_night(tmp_path, 0, [ended(Status.PASS)], options=options, session={"planned": 2})
    assert find_allowed(load_history(tmp_path))[folder.name] == ("unjudged",)


def test_a_red_night_is_red_whatever_was_allowed(tmp_path: Path) -> None:
    rows = [ended(Status.BLOCKED), ended(Status.FAIL, "u")]
    folder = write_night(tmp_path, 0, rows, exit_status=1, options={"allow": "blocked"})
    [night] = read_past(Run.read(folder)).nights
    assert (night.ending, night.allowed) == ("red", ())


def test_an_allowed_night_is_not_the_last_green_one(tmp_path: Path) -> None:
    write_night(tmp_path, 0, [a_verdict(1.0, Status.PASS)])
    allowed = [a_verdict(1.0, Status.BLOCKED)]
    write_night(tmp_path, 1, allowed, options={"allow": "blocked"})
    past = read_past(Run.read(write_night(tmp_path, 2, [a_verdict(1.0, Status.PASS)])))
    assert past.green == 0
    assert past.endings == {"green": 2, "green only by --allow": 1}
