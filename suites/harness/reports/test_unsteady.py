"""A gate that cannot make up its mind comes with the quarantine to put it in."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.quarantine import Quarantine
from harness.measure.verdict import Status
from harness.results.rows.schema import VerdictRow
from harness.results.run import Run
from harness.results.thresholds import parse_rows
from reports.unsteady import OWNER, UnsteadyGate, unsteady_gates
from suites.harness.reports.nights import a_sample, a_verdict, past_of, write_night
from suites.harness.reports.rendered import page_of

OPEN, RED, GREEN = Status.INCONCLUSIVE, Status.FAIL, Status.PASS


def unsteady_after(folder: Path, *nights: VerdictRow) -> tuple[UnsteadyGate, ...]:
    for number, verdict in enumerate(nights):
        run = write_night(folder, number, [a_sample(100.0), verdict])
    return unsteady_gates(Run.read(run), past_of(run))


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (OPEN, OPEN, "inconclusive two nights running"),
        (GREEN, RED, "pass turned to fail although the artifact is the same"),
        (RED, GREEN, "fail turned to pass although the artifact is the same"),
    ],
)
def test_what_two_nights_leave_in_doubt_is_proposed(
    tmp_path: Path, before: Status, now: Status, reason: str
) -> None:
    [found] = unsteady_after(tmp_path, a_verdict(100.0, before), a_verdict(100.0, now))
    assert found.reason == reason
    [row] = parse_rows(Path("quarantine.toml"), found.row, "quarantine", Quarantine)
    assert (row.owner, row.metric, row.model, row.mode) == (
        OWNER,
        "decode_tps",
        "tiny_smolvlm",
        "kv",
    )
    assert (row.expires - row.since).days == 14


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (a_verdict(1.0, GREEN), a_verdict(1.0, GREEN)),
        (a_verdict(1.0, GREEN), a_verdict(1.0, OPEN)),
        (a_verdict(1.0, GREEN), a_verdict(1.0, RED, artifact_key="another")),
        (a_verdict(1.0, OPEN), a_verdict(1.0, OPEN, quarantined=True)),
        (a_verdict(1.0, OPEN, device="another"), a_verdict(1.0, OPEN)),
    ],
)
def test_a_real_change_and_what_is_put_aside_already_are_not(
    tmp_path: Path, before: VerdictRow, now: VerdictRow
) -> None:
    assert unsteady_after(tmp_path, before, now) == ()


def test_a_night_without_the_gate_is_passed_over(tmp_path: Path) -> None:
    between = a_verdict(1.0, GREEN, metric="prefill_tps")
    open_ = a_verdict(100.0, OPEN)
    [found] = unsteady_after(tmp_path, open_, between, open_)
    assert found.reason == "inconclusive two nights running"


def test_the_page_shows_the_row(tmp_path: Path) -> None:
    open_ = a_verdict(100.0, OPEN)
    unsteady_after(tmp_path, open_, open_)
    page = page_of(tmp_path / "20261002T020000Z-000001")
    assert "thresholds/quarantine.toml" in page.text
    assert "inconclusive two nights running" in page.text
