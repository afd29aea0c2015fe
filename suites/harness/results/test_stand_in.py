"""What computes a speed in a phone's place is said, and by facts of devices and targets alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.measure.verdict import Status
from harness.results.history import load_history
from harness.results.job_summary import job_summary
from harness.results.query import nightly
from harness.results.run import Run
from harness.results.stand_in import RUNNER_FACT, banners, stand_in
from suites.harness.results.made_up import a_device, a_verdict, samples, write_run

ON_A_PHONE = {"target": "phone", "soc": "SM8650", "device": "R5CX10ABCDE"}


@pytest.mark.parametrize(
    ("metric", "target", "is_virtual", "expected"),
    [
        ("decode_tps", "phone", True, "virtual phone"),
        ("peak_rss_mib", "phone", True, "virtual phone"),
        ("decode_tps", "host", True, "virtual phone"),
        ("decode_tps", "emulator", False, "emulator"),
        ("decode_tps", "phone", False, None),
        ("decode_tps", "host", False, None),
        ("exact_match", "phone", True, None),
        ("pte_bytes", "emulator", False, None),
        ("a_metric_of_later", "phone", True, None),
        ("decode_tps", "a target of another package", False, None),
    ],
)
def test_only_speeds_that_are_no_devices_own(
    metric: str, target: str, is_virtual: bool, expected: str | None
) -> None:
    assert stand_in(metric, target, is_virtual) == expected


def test_a_virtual_phone_is_told_at_the_top_and_beside_its_speed(tmp_path: Path) -> None:
    device = a_device(**{**ON_A_PHONE, "virtual": True})
    verdict = a_verdict(Status.NO_GATE, **ON_A_PHONE)
    told = job_summary(write_run(tmp_path, 0, [device, verdict]), []).splitlines()
    [banner] = [number for number, line in enumerate(told) if line.startswith("> ")]
    assert "virtual phone (R5CX10ABCDE)" in told[banner]
    assert "say nothing about a Snapdragon" in told[banner]
    [row] = [number for number, line in enumerate(told) if line.startswith("| no-gate")]
    assert banner < row
    assert "100 token/s (virtual phone)" in told[row]


def test_whose_runner_a_virtual_phone_had_is_told_where_it_is_known(tmp_path: Path) -> None:
    runners = {"A": {RUNNER_FACT: "ours"}, "B": {RUNNER_FACT: "/build-x86/runner"}, "C": {}}
    devices = [
        a_device(**{**ON_A_PHONE, "virtual": True, "device": name, "facts": facts})
        for name, facts in runners.items()
    ]
    [banner] = banners(Run.read(write_run(tmp_path, 0, devices)))
    assert "(A, B, C), which this machine computes; its runner is /build-x86/runner and" in banner


def test_the_emulator_is_told_where_its_speed_is_shown(tmp_path: Path) -> None:
    emulated = {"target": "emulator", "soc": "SM8650"}
    timed = Run.read(write_run(tmp_path, 0, samples([3.0], **emulated)))
    [banner] = banners(timed)
    assert "the emulator's speed says nothing about a phone" in banner
    sized = {**emulated, "metric": "pte_bytes", "unit": "byte"}
    assert list(banners(Run.read(write_run(tmp_path, 1, samples([3.0], **sized))))) == []


def test_a_phones_own_speed_needs_no_words(tmp_path: Path) -> None:
    rows = [a_device(**ON_A_PHONE), *samples([90.0], **ON_A_PHONE), a_verdict(**ON_A_PHONE)]
    assert list(banners(Run.read(write_run(tmp_path, 0, rows)))) == []


def test_a_virtual_phone_of_the_same_serial_has_a_series_of_its_own(tmp_path: Path) -> None:
    write_run(tmp_path, 0, samples([90.0], **ON_A_PHONE))
    write_run(tmp_path, 1, samples([12.0], **ON_A_PHONE, virtual=True))
    history = load_history(tmp_path)
    points = nightly(history.samples, history.verdicts)
    assert points["series"].nunique() == 2
    assert dict(zip(points["virtual"], points["median"], strict=True)) == {False: 90.0, True: 12.0}
