"""Sessions of up to 20 runs, judged after 5, 10 and 20 as the performance suite does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np

from benchmarks.simulation.noise import NOISES, Array, autocorrelated
from benchmarks.simulation.rate import Rate, worst
from harness.measure.gate import Context, Gate
from harness.measure.proposal import Provenance
from harness.measure.sample import Sample
from harness.measure.statistics import SAMPLE_COUNTS
from harness.measure.verdict import Status, judge
from harness.targets.host import HOST

GATE_TPS = 100.0
WRONG_CALLS = 0.055

_HIGHEST_BOUND_LAG = 0.7
"""Of autocorrelation; no rule holds its errors beyond without missing real slowdowns."""

_RUNS = SAMPLE_COUNTS[-1]
_CVS = tuple(percent / 100 for percent in range(1, 9))
_CV = 0.03
_CONTEXT = Context("simulated", HOST.name)
_PROVENANCE = Provenance("simulated", date(2026, 1, 1))
_GATE = Gate(
    metric="decode_tps",
    model="simulated",
    target=HOST.name,
    min=GATE_TPS,
    confidence="derived",
    source="simulated",
    since=date(2026, 1, 1),
)


def night_rows(random: np.random.Generator, nights: int) -> Iterator[Rate]:
    """All rows about a gate.

    Args:
        random: Where noise comes from.
        nights: Sessions per cell.
    """
    yield from _on_the_gate(random, nights)
    yield from _below_the_gate(random, nights)
    yield from _drifting(random, nights)
    yield from _wandering(random, nights)
    yield from _far_away(random, nights)


def final_status(speeds_tps: Array) -> Status:
    """Judge one session by the product's rule: more runs only while the verdict is open."""
    samples = [Sample(float(speed)) for speed in speeds_tps]
    status = Status.INCONCLUSIVE
    for count in SAMPLE_COUNTS:
        verdict = judge(samples[:count], _GATE, "decode_tps", _CONTEXT, provenance=_PROVENANCE)
        status = verdict.status
        if status is not Status.INCONCLUSIVE:
            break
    return status


def _shares(speeds_tps: Array) -> dict[Status, float]:
    ends = [final_status(session) for session in speeds_tps]
    return {status: ends.count(status) / len(ends) for status in (Status.PASS, Status.FAIL)}


def _on_the_gate(random: np.random.Generator, nights: int) -> Iterator[Rate]:
    for name, noise in NOISES.items():
        cells: dict[str, float] = {}
        for cv in _CVS:
            speeds = GATE_TPS * (1 + cv * noise(random, (nights, _RUNS), cv))
            cells |= _wrong_calls(speeds, f"CV {cv:.0%}")
        yield worst(
            f"median on the gate, {name} noise, CV 1-8 %: wrong", cells, WRONG_CALLS, nights
        )


def _below_the_gate(random: np.random.Generator, nights: int) -> Iterator[Rate]:
    for name, noise in NOISES.items():
        median = 0.95 * GATE_TPS
        speeds = median * (1 + _CV * noise(random, (nights, _RUNS), _CV))
        share = _shares(speeds)[Status.FAIL]
        yield Rate(f"5 % below the gate, {name} noise, CV 3 %: FAIL", share, ">=", 0.99, nights)


def _drifting(random: np.random.Generator, nights: int) -> Iterator[Rate]:
    """Heating: the speed falls over the session, or rises where a cold device clocks up."""
    elapsed = np.linspace(0, 1, _RUNS)
    saturating = -np.expm1(-elapsed / 0.3) / -np.expm1(-1 / 0.3)
    for sigmas in (1.0, 1.5, 2.0):
        cells: dict[str, float] = {}
        for shape, course in (("steady", elapsed), ("levelling off", saturating)):
            for direction in (-sigmas, sigmas):
                speeds = _course(random, nights, direction * (course - np.median(course)))
                cells |= _wrong_calls(speeds, f"{shape}, {direction:+g}")
        yield worst(
            f"drift by {sigmas:g} sigma, the session's median on the gate: wrong",
            cells,
            WRONG_CALLS,
            nights,
        )
    for sigmas in (1.0, 2.0):
        fails = _shares(_course(random, nights, -sigmas * elapsed))[Status.FAIL]
        name = f"drift by -{sigmas:g} sigma, the first run's median on the gate: FAIL"
        yield Rate(name, fails, "<=", None, nights)


def _wandering(random: np.random.Generator, nights: int) -> Iterator[Rate]:
    for lag_1 in (0.5, 0.7, 0.8, 0.9):
        bound = WRONG_CALLS if lag_1 <= _HIGHEST_BOUND_LAG else None
        noise = autocorrelated(random, nights, _RUNS, lag_1)
        cells = _wrong_calls(GATE_TPS * (1 + _CV * noise), "")
        yield worst(f"autocorrelation {lag_1:g}, median on the gate: wrong", cells, bound, nights)


def _far_away(random: np.random.Generator, nights: int) -> Iterator[Rate]:
    """Noise of factors, as on a busy machine, neighbours alike, far from the gate and on it."""
    for lag_1 in (0.0, 0.7, 0.9):
        noise = autocorrelated(random, nights, _RUNS, lag_1)
        for width in (0.2, 0.4):
            factors = np.exp(width * noise)
            name = f"factors of sd {width:g}, autocorrelation {lag_1:g}"
            slow, fast = _shares(factors * GATE_TPS / 30), _shares(factors * GATE_TPS * 30)
            cells = {"30 x FAIL": slow[Status.FAIL], "30 x PASS": fast[Status.PASS]}
            cell = min(cells, key=lambda key: cells[key])
            yield Rate(f"{name}, 30 times away: decided", cells[cell], ">=", 0.99, nights, cell)
            bound = WRONG_CALLS if lag_1 <= _HIGHEST_BOUND_LAG else None
            wrong = _wrong_calls(factors * GATE_TPS, "")
            yield worst(f"{name}, median on the gate: wrong", wrong, bound, nights)


def _course(random: np.random.Generator, nights: int, course_sigmas: Array) -> Array:
    noise = random.normal(size=(nights, _RUNS))
    speeds: Array = GATE_TPS * (1 + _CV * (noise + course_sigmas))
    return speeds


def _wrong_calls(speeds_tps: Array, cell: str) -> dict[str, float]:
    return {f"{cell} {status.upper()}": share for status, share in _shares(speeds_tps).items()}
