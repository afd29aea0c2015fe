"""The simulation's own parts: noise that is what it claims, and a table that can fail."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from benchmarks import simulate
from benchmarks.simulation.nights import GATE_TPS, final_status
from benchmarks.simulation.noise import NOISES, autocorrelated
from benchmarks.simulation.rate import Rate, worst
from harness.measure.verdict import Status


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("cv", [0.01, 0.08])
def test_noise_has_median_0_and_standard_deviation_1(name: str, cv: float) -> None:
    noise = NOISES[name](np.random.default_rng(1), (200_000,), cv)
    assert np.mean(noise < 0) == pytest.approx(0.5, abs=0.005)
    assert noise.std() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("lag_1", [0.5, 0.9])
def test_autocorrelated_noise_is_stationary(lag_1: float) -> None:
    noise = autocorrelated(np.random.default_rng(1), 50_000, 20, lag_1)
    assert noise.std(axis=0) == pytest.approx(np.ones(20), abs=0.02)
    assert np.corrcoef(noise[:, 9], noise[:, 10])[0, 1] == pytest.approx(lag_1, abs=0.02)


def test_sessions_are_judged_as_the_suite_does() -> None:
    steady = np.linspace(0, 0.1, 20)
    assert final_status(GATE_TPS + 5 + steady) is Status.PASS
    assert final_status(GATE_TPS - 5 + steady) is Status.FAIL


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Rate("wrong", 0.055, "<=", 0.055, 1), True),
        (Rate("wrong", 0.056, "<=", 0.055, 1), False),
        (Rate("found", 0.95, ">=", 0.95, 1), True),
        (Rate("found", 0.94, ">=", 0.95, 1), False),
        (Rate("to be known", 0.5, "<=", None, 1), True),
    ],
)
def test_a_row_is_held_against_its_bound(row: Rate, met: bool) -> None:
    assert row.is_met is met


def test_the_worst_cell_speaks_for_its_row() -> None:
    row = worst("wrong", {"CV 1%": 0.01, "CV 2%": 0.07}, 0.055, 100)
    assert (row.measured, row.detail, row.is_met) == (0.07, "CV 2%", False)


@pytest.mark.parametrize(("bound", "status"), [(0.5, 0), (0.1, 1)])
def test_a_missed_bound_is_the_exit_status(
    bound: float,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = Rate("wrong", 0.2, "<=", bound, 7)
    monkeypatch.setattr(simulate, "simulate", lambda nights, seed: [row])
    monkeypatch.setattr(sys, "argv", ["simulate", "--json"])
    assert simulate.main() == status
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["measured"], told["bound"], told["ok"]) == (0.2, bound, status == 0)


def test_one_seed_gives_one_table() -> None:
    assert simulate.simulate(nights=2, seed=5) == simulate.simulate(nights=2, seed=5)
