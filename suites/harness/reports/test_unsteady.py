"""A gate that cannot make up its mind comes with the quarantine to put it in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
HELD = "with the same commit aaaaaaaaaaaa, packages, options, gate >= 100 and artifact 012345678901"


def unsteady_after(folder: Path, *nights: VerdictRow) -> tuple[UnsteadyGate, ...]:
    for number, verdict in enumerate(nights):
        run = write_night(folder, number, [a_sample(100.0), verdict])
    return unsteady_gates(Run.read(run), past_of(run))


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (OPEN, OPEN, f"inconclusive two nights running {HELD}"),
        (GREEN, RED, f"pass turned to fail {HELD}"),
        (RED, GREEN, f"fail turned to pass {HELD}"),
    ],
)
def test_what_two_nights_leave_in_doubt_is_proposed_with_what_was_held_equal(
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
        (a_verdict(1.0, GREEN), a_verdict(1.0, RED, gate_min=120.0)),
        (a_verdict(1.0, GREEN), a_verdict(1.0, RED, gate_source="elsewhere")),
        (
            a_verdict(0.9, GREEN, metric="exact_match"),
            a_verdict(0.8, RED, metric="exact_match"),
        ),
        (a_verdict(9.0, GREEN, metric="pte_bytes"), a_verdict(9.0, RED, metric="pte_bytes")),
        (a_verdict(1.0, OPEN), a_verdict(1.0, OPEN, quarantined=True)),
        (a_verdict(1.0, OPEN, device="another"), a_verdict(1.0, OPEN)),
    ],
)
def test_a_real_change_and_what_is_put_aside_already_are_not(
    tmp_path: Path, before: VerdictRow, now: VerdictRow
) -> None:
    assert unsteady_after(tmp_path, before, now) == ()


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {"commit": "b" * 40}),
        ({"commit": "a" * 40 + "-dirty"}, {"commit": "a" * 40 + "-dirty"}),
        ({"commit": None}, {"commit": None}),
        ({}, {"versions": {"torch": "2.14.0"}}),
        ({}, {"options": {"thresholds": "thresholds", "scenes": 40}}),
    ],
    ids=["commit", "changes on top of it", "no commit", "package", "option"],
)
def test_a_red_night_with_anything_changed_is_never_put_aside(
    tmp_path: Path, before: dict[str, Any], now: dict[str, Any]
) -> None:
    """Its first red night least of all: that is what a regression looks like."""
    write_night(tmp_path, 0, [a_sample(100.0), a_verdict(100.0, GREEN)], **before)
    run = write_night(tmp_path, 1, [a_sample(75.0), a_verdict(75.0, RED)], **now)
    assert unsteady_gates(Run.read(run), past_of(run)) == ()


def test_a_night_without_the_gate_is_passed_over(tmp_path: Path) -> None:
    between = a_verdict(1.0, GREEN, metric="prefill_tps")
    open_ = a_verdict(100.0, OPEN)
    [found] = unsteady_after(tmp_path, open_, between, open_)
    assert found.reason.startswith("inconclusive two nights running")


def test_the_page_shows_the_row(tmp_path: Path) -> None:
    open_ = a_verdict(100.0, OPEN)
    unsteady_after(tmp_path, open_, open_)
    page = page_of(tmp_path / "20261002T020000Z-000001")
    assert "thresholds/quarantine.toml" in page.text
    assert "inconclusive two nights running" in page.text
