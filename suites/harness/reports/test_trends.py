"""One line per configuration and physical device, and where its level changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.verdict import Status
from suites.harness.reports.nights import (
    a_sample,
    a_verdict,
    past_of,
    trends_of,
    write_levels,
    write_night,
)

STEADY = [100.0, 101.0, 99.0, 100.5, 99.5, 100.0, 101.0, 99.0]
SLOW = [90.0, 90.5, 89.5, 90.0, 90.2, 89.8]


def test_a_point_is_the_median_of_the_valid_samples(tmp_path: Path) -> None:
    rows = [a_sample(value, run_index=index) for index, value in enumerate((90.0, 92.0, 97.0))]
    broken = a_sample(500.0, valid=False, invalid_reason="too short")
    [trend] = trends_of(write_night(tmp_path, 0, [*rows, broken]))
    [point] = trend.points
    assert (point.median, point.low, point.high) == (92.0, 90.0, 97.0)


def test_two_phones_never_share_a_trend(tmp_path: Path) -> None:
    rows = [a_sample(100.0, device="PHONE-A"), a_sample(50.0, device="PHONE-B")]
    write_night(tmp_path, 0, rows)
    trends = trends_of(write_night(tmp_path, 1, rows))
    assert [(trend.key.device, trend.points[0].median) for trend in trends] == [
        ("PHONE-A", 100.0),
        ("PHONE-B", 50.0),
    ]
    assert [len(trend.points) for trend in trends] == [2, 2]


def test_runs_of_a_comparison_are_no_nights(tmp_path: Path) -> None:
    rows = [a_sample(100.0), a_sample(50.0, side="A"), a_sample(51.0, side="B")]
    [trend] = trends_of(write_night(tmp_path, 0, rows))
    assert trend.points[0].median == 100.0


def test_what_was_measured_again_from_cold_is_the_nights_value(tmp_path: Path) -> None:
    rows = [a_sample(80.0), a_sample(100.0, cold_session=1)]
    [trend] = trends_of(write_night(tmp_path, 0, rows))
    assert trend.points[0].median == 100.0


def test_a_night_whose_verdict_is_blocked_is_no_point(tmp_path: Path) -> None:
    """Its other metrics are, and so is one that only the first measurement could not judge."""
    load = {"metric": "load_ms", "unit": "ms"}
    blocked = [a_verdict(50.0, Status.BLOCKED), a_verdict(200.0, Status.PASS, **load)]
    again = [a_verdict(50.0, Status.BLOCKED), a_verdict(90.0, Status.PASS, cold_session=1)]
    for night, verdicts in enumerate([[], blocked, again]):
        rows = [a_sample(100.0 + night), a_sample(200.0, **load), *verdicts]
        last = write_night(tmp_path, night, rows)
    found = {trend.key.metric: [point.night for point in trend.points] for trend in trends_of(last)}
    assert found == {"decode_tps": [0, 2], "load_ms": [0, 1, 2]}


def test_only_what_the_run_measured_has_a_trend(tmp_path: Path) -> None:
    write_night(tmp_path, 0, [a_sample(100.0), a_sample(1.0, metric="load_ms", unit="ms")])
    [trend] = trends_of(write_night(tmp_path, 1, [a_sample(100.0)]))
    assert trend.key.metric == "decode_tps"


def test_later_runs_are_not_known_to_an_earlier_one(tmp_path: Path) -> None:
    first = write_night(tmp_path, 0, [a_sample(100.0)])
    write_night(tmp_path, 1, [a_sample(1.0)])
    [trend] = trends_of(first)
    assert [point.median for point in trend.points] == [100.0]


def test_a_step_is_placed_on_its_night_with_both_levels(tmp_path: Path) -> None:
    [trend] = trends_of(write_levels(tmp_path, [*STEADY, *SLOW]))
    [step] = trend.steps
    assert step.night == len(STEADY)
    assert step.is_worse
    assert step.change == pytest.approx(-0.10, abs=0.005)


def test_a_steady_history_has_no_step(tmp_path: Path) -> None:
    [trend] = trends_of(write_levels(tmp_path, STEADY))
    assert trend.steps == ()


@pytest.mark.parametrize("value", [0.0, float("inf")])
def test_values_without_ratio_have_no_steps(tmp_path: Path, value: float) -> None:
    [trend] = trends_of(write_levels(tmp_path, [*STEADY, value]))
    assert trend.steps == ()


def test_a_damaged_night_is_told_and_costs_nothing_else(tmp_path: Path) -> None:
    damaged = write_night(tmp_path, 0, [a_sample(100.0)])
    (damaged / "rows-gw1.jsonl").write_text("no row\n")
    past = past_of(write_night(tmp_path, 1, [a_sample(100.0)]))
    assert len(past.nights) == 1
    [sentence] = past.history.unreadable
    assert "is damaged" in sentence


def test_runs_that_were_made_for_other_metrics_are_no_part_of_a_night(tmp_path: Path) -> None:
    """A verdict on two runs is told as such, however many another metric needed."""
    rows = [a_sample(value, run_index=n) for n, value in enumerate((90.0, 92.0, 200.0, 300.0))]
    folder = write_night(tmp_path, 0, [*rows, a_verdict(91.0, Status.PASS, n_samples=2)])
    [trend] = trends_of(folder)
    assert (trend.points[0].median, trend.points[0].high) == (91.0, 92.0)


def test_a_virtual_phones_speed_is_marked_and_never_changes(tmp_path: Path) -> None:
    phone = {"target": "phone", "soc": "SM8550", "virtual": True}
    for number, value in enumerate([*STEADY, *SLOW]):
        folder = write_night(tmp_path, number, [a_sample(value, **phone)])
    [trend] = trends_of(folder)
    assert (trend.stand_in, trend.steps) == ("virtual phone", ())
