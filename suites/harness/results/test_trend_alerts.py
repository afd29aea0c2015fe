"""A trend is of one metric on one device, and speaks once, in the night that shows its turn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.measure.verdict import Status
from harness.results.history import load_history
from harness.results.trend_alerts import TrendAlert, find_trend_alerts
from suites.harness.results.made_up import a_verdict, night_id, samples, write_run

LEVEL = [100.0, 100.4, 99.7, 100.1, 99.8, 100.2]
FASTER, SLOWER = [value * 1.1 for value in LEVEL], [value * 0.9 for value in LEVEL]


def alerts_of(
    results: Path, nights: Sequence[float], latest: int | None = None, **fields: object
) -> tuple[TrendAlert, ...]:
    """Alerts of the latest of some nights, each with three samples around a value."""
    for night, value in enumerate(nights):
        write_run(results, night, samples([value - 0.1, value, value + 0.1], **fields))
    last = len(nights) - 1 if latest is None else latest
    return told_by(results, last)


def told_by(results: Path, night: int) -> tuple[TrendAlert, ...]:
    history = load_history(results)
    return find_trend_alerts(history.samples, history.verdicts, night_id(night))


def test_a_drop_is_told_with_what_where_how_much_and_since_when(tmp_path: Path) -> None:
    [alert] = alerts_of(tmp_path, [*LEVEL, *SLOWER[:5]])
    assert alert.series.device == "host-5ca1ab1e"
    assert (alert.before, alert.since) == (night_id(5), night_id(6))
    assert alert.change.ratio == pytest.approx(0.9, abs=0.01)
    assert "decode_tps of tiny_smolvlm fp32 kv host host-5ca1ab1e changed by -" in alert.sentence
    assert f"python -m harness compare {night_id(5)} {night_id(6)}" in alert.sentence


def test_four_slow_nights_are_not_enough_and_the_sixth_does_not_repeat_it(tmp_path: Path) -> None:
    alerts_of(tmp_path, [*LEVEL, *SLOWER])
    told = [len(told_by(tmp_path, night)) for night in range(8, 12)]
    assert told == [0, 0, 1, 0]


def test_an_improvement_is_no_alert(tmp_path: Path) -> None:
    assert not alerts_of(tmp_path, [*LEVEL, *FASTER[:5]])


def test_more_of_a_time_is_worse(tmp_path: Path) -> None:
    assert alerts_of(tmp_path, [*LEVEL, *FASTER[:5]], metric="ttft_ms", unit="ms")


def test_devices_are_never_pooled(tmp_path: Path) -> None:
    for night, value in enumerate(LEVEL):
        write_run(tmp_path, night, samples([value] * 3, device="host-aaaaaaaa"))
    for night, value in enumerate(SLOWER[:5], start=len(LEVEL)):
        write_run(tmp_path, night, samples([value] * 3, device="host-bbbbbbbb"))
    assert not told_by(tmp_path, 10)


@pytest.mark.parametrize(
    "fields",
    [
        {"valid": False, "invalid_reason": "the device is warm"},
        {"side": "A"},
        {"virtual": True, "target": "phone", "soc": "SM8550"},
        {"target": "emulator", "soc": "SM8650"},
    ],
    ids=["invalid", "of a comparison", "of a virtual phone", "of the emulator"],
)
def test_what_is_no_speed_of_a_device_has_no_trend(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    assert not alerts_of(tmp_path, [*LEVEL, *SLOWER[:5]], **fields)


def test_the_emulators_accuracy_has_a_trend(tmp_path: Path) -> None:
    where = {"target": "emulator", "soc": "SM8650", "metric": "exact_match", "unit": "share"}
    assert alerts_of(tmp_path, [*LEVEL, *SLOWER[:5]], **where)


def test_a_series_that_tonight_did_not_measure_is_silent(tmp_path: Path) -> None:
    alerts_of(tmp_path, [*LEVEL, *SLOWER[:5]])
    write_run(tmp_path, 11, samples([1.0] * 3, model="tiny_internvl3"))
    assert not told_by(tmp_path, 11)


def test_nights_on_which_the_device_was_not_fit_have_no_say(tmp_path: Path) -> None:
    """A phone that was too warm for days is no slower artifact, and no break in its trend."""
    for night, value in enumerate(LEVEL + SLOWER[:5]):
        status = Status.BLOCKED if night > 5 else Status.PASS
        write_run(tmp_path, night, [*samples([value] * 3), a_verdict(status)])
    assert not told_by(tmp_path, 10)
    for night, value in enumerate(SLOWER[:5], start=11):
        write_run(tmp_path, night, [*samples([value] * 3), a_verdict()])
    [alert] = told_by(tmp_path, 15)
    assert (alert.before, alert.since) == (night_id(5), night_id(11))


def test_of_a_metric_measured_again_from_cold_the_cold_session_counts(tmp_path: Path) -> None:
    for night, value in enumerate(LEVEL + LEVEL[:5]):
        warm, cold = (50.0, 1) if night > 5 else (value, 0)
        rows = [*samples([warm] * 3), *samples([value] * 3, cold_session=cold)]
        write_run(tmp_path, night, rows)
    assert not told_by(tmp_path, 10)


@pytest.mark.parametrize("value", [0.0, float("inf")])
def test_what_has_no_ratio_has_no_trend(tmp_path: Path, value: float) -> None:
    assert not alerts_of(tmp_path, [*LEVEL[:5], *[value] * 5])


def test_no_history_no_alert(tmp_path: Path) -> None:
    assert not told_by(tmp_path, 0)
