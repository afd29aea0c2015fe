"""What got worse: where, since when, by how much."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.verdict import Status
from harness.results.rows.schema import Row, VerdictRow
from harness.results.run import Run
from harness.results.run_comparison import Difference
from reports.headline import describe, headline
from suites.harness.reports.nights import (
    a_sample,
    a_verdict,
    findings_of,
    past_of,
    write_levels,
    write_night,
)
from suites.harness.reports.rendered import page_of
from suites.harness.reports.test_parts import a_comparison
from suites.harness.reports.test_trends import SLOW, STEADY


def test_a_change_of_level_is_told_though_every_gate_passes(tmp_path: Path) -> None:
    folder = write_levels(tmp_path, [*STEADY, *SLOW])
    [finding] = findings_of(folder)
    assert (finding.kind, finding.fails, finding.nights) == ("worse", False, len(SLOW))
    assert describe(finding) == (
        "decode_tps of tiny_smolvlm kv on builder-03 is 10.0 % lower since 9 October: 90 token/s."
    )
    assert headline(Run.read(folder), [finding]).word == "WORSE"


def test_a_metric_of_which_less_is_better_gets_worse_upwards(tmp_path: Path) -> None:
    values = [*SLOW, *STEADY]
    [finding] = findings_of(write_levels(tmp_path, values, metric="load_ms", unit="ms"))
    assert finding.kind == "worse"
    [faster] = findings_of(write_levels(tmp_path / "faster", values))
    assert faster.kind == "better"


def raised(value: float, status: Status, gate: float) -> list[Row]:
    return [a_sample(value), a_verdict(value, status, gate_min=gate)]


def test_a_gate_that_was_raised_is_the_cause_of_what_it_turned_red(tmp_path: Path) -> None:
    """Told on its first red night and on those that follow, with the day of the first one."""
    write_night(tmp_path, 0, raised(100.0, Status.PASS, 90.0))
    for night in (1, 2):
        folder = write_night(tmp_path, night, raised(101.0, Status.FAIL, 120.0), exit_status=1)
        [finding] = findings_of(folder)
        assert describe(finding) == (
            "decode_tps of tiny_smolvlm kv on builder-03 fails since 2 October: gate raised from "
            ">= 90 to >= 120 in thresholds/tiny_smolvlm.toml, measured value unchanged at 101."
        )
        assert describe(finding) in headline(Run.read(folder), [finding]).sentence
        assert "gate raised from" in page_of(folder).text


def test_a_value_that_fails_the_gate_before_as_well_is_the_cause_itself(tmp_path: Path) -> None:
    write_night(tmp_path, 0, raised(100.0, Status.PASS, 90.0))
    folder = write_night(tmp_path, 1, raised(75.0, Status.FAIL, 95.0), exit_status=1)
    [finding] = findings_of(folder)
    assert finding.cause == ""
    assert "25.0 % lower" in describe(finding)


def test_old_changes_are_no_news(tmp_path: Path) -> None:
    assert findings_of(write_levels(tmp_path, [*STEADY, *(SLOW * 3)])) == ()


def test_a_failed_gate_is_told_at_once_since_its_first_red_night(tmp_path: Path) -> None:
    write_levels(tmp_path, STEADY[:3])
    write_night(tmp_path, 3, [a_sample(80.0), a_verdict(80.0, Status.FAIL)], exit_status=1)
    red = [a_sample(81.0), a_verdict(81.0, Status.FAIL)]
    [finding] = findings_of(write_night(tmp_path, 4, red, exit_status=1))
    assert finding.fails
    assert (finding.before, finding.after, finding.nights) == (99.0, 81.0, 2)
    assert finding.since is not None
    assert finding.since.started_at.day == 4
    assert finding.last_before is not None
    assert finding.last_before.started_at.day == 3


@pytest.mark.parametrize(
    "again",
    [
        [a_verdict(80.0, Status.INCONCLUSIVE, cold_session=1)],
        [a_verdict(80.0, Status.FAIL, quarantined=True, cold_session=1)],
    ],
)
def test_a_night_that_did_not_stay_red_is_not_counted_as_red(
    tmp_path: Path, again: list[VerdictRow]
) -> None:
    write_levels(tmp_path, STEADY[:3])
    write_night(tmp_path, 3, [a_sample(80.0), a_verdict(80.0, Status.FAIL), *again])
    red = [a_sample(81.0), a_verdict(81.0, Status.FAIL)]
    [finding] = findings_of(write_night(tmp_path, 4, red, exit_status=1))
    assert (finding.before, finding.nights) == (80.0, 1)


def test_a_failure_of_the_first_night_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    red = [a_sample(80.0), a_verdict(80.0, Status.FAIL)]
    [finding] = findings_of(write_night(tmp_path, 0, red, exit_status=1))
    assert (finding.before, finding.since, finding.change) == (None, None, None)
    assert "first measured now" in page_of(tmp_path / "20261001T020000Z-000000").text


def test_what_is_in_quarantine_is_not_told_as_failed(tmp_path: Path) -> None:
    red = [a_sample(80.0), a_verdict(80.0, Status.FAIL, quarantined=True)]
    folder = write_night(tmp_path, 0, red)
    assert findings_of(folder) == ()
    assert headline(Run.read(folder)).counts == ()


def test_a_verdict_measured_again_from_cold_replaces_the_first(tmp_path: Path) -> None:
    first, again = a_verdict(80.0, Status.FAIL), a_verdict(100.0, Status.PASS, cold_session=1)
    folder = write_night(tmp_path, 0, [a_sample(80.0), first, again])
    assert headline(Run.read(folder)).word == "PASS"
    [shown] = page_of(folder).data["verdicts"]
    assert shown["status"] == "pass"
    assert any(note.startswith("measured again from cold after:") for note in shown["notes"])


def test_differences_are_those_to_the_last_green_run(tmp_path: Path) -> None:
    rows = [a_sample(100.0), a_verdict(100.0, Status.PASS)]
    write_night(tmp_path, 0, rows, versions={"torch": "2.12.0", "gone": "1"})
    write_night(tmp_path, 1, rows, versions={"torch": "2.12.9"}, exit_status=1)
    moved = a_verdict(100.0, Status.PASS, gate_min=90.0, artifact_key="fedcba9876543210")
    folder = write_night(tmp_path, 2, [rows[0], moved], exit_status=1, commit="b" * 40 + "-dirty")
    assert past_of(folder).differences == (
        Difference("code", "commit", "a" * 12, "b" * 12 + "-dirty"),
        Difference("package", "torch", "2.12.0", "2.13.0"),
        Difference("package", "gone", "1", None),
        Difference("gate", "decode_tps tiny_smolvlm kv 8da4w host", "≥ 100", "≥ 90"),
        Difference("artifact", "tiny_smolvlm kv 8da4w host", "012345678901", "fedcba987654"),
    )


@pytest.mark.parametrize("device", ["PHONE-B", "builder-03"])
def test_a_green_run_counts_only_if_it_ran_on_one_of_the_devices(
    tmp_path: Path, device: str
) -> None:
    rows = [a_sample(100.0, device=device), a_verdict(100.0, Status.PASS, device=device)]
    write_night(tmp_path, 0, rows)
    past = past_of(
        write_night(tmp_path, 1, [a_sample(100.0), a_verdict(100.0, Status.PASS)], exit_status=1)
    )
    assert past.green == (0 if device == "builder-03" else None)


def test_a_green_run_that_only_compared_counts_as_well(tmp_path: Path) -> None:
    write_night(tmp_path, 0, [a_comparison("same", 1.0)], versions={"torch": "2.12.0"})
    folder = write_night(tmp_path, 1, [a_comparison("slower", 0.9)], exit_status=1)
    past = past_of(folder)
    assert past.green == 0
    assert past.differences == (Difference("package", "torch", "2.12.0", "2.13.0"),)


@pytest.mark.parametrize(
    ("exit_status", "ending"),
    [(0, "green"), (1, "red"), (10, "open"), (12, "open"), (None, "unfinished")],
)
def test_a_night_is_named_by_its_exit_status(
    tmp_path: Path, exit_status: int | None, ending: str
) -> None:
    past = past_of(write_night(tmp_path, 0, [a_sample(1.0)], exit_status=exit_status))
    assert [night.ending for night in past.nights] == [ending]


def test_the_worst_comes_first(tmp_path: Path) -> None:
    rows = [
        (a_sample(value), a_sample(other, metric="prefill_tps"))
        for value, other in zip(
            [*STEADY, *SLOW], [*STEADY, *[70.0, 70.5, 69.5, 70, 71, 70]], strict=True
        )
    ]
    for number, pair in enumerate(rows):
        folder = write_night(tmp_path, number, pair)
    worst, second = findings_of(folder)
    assert (worst.key.metric, second.key.metric) == ("prefill_tps", "decode_tps")
