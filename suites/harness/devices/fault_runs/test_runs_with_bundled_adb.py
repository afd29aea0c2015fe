"""A run on a phone survives what happens to it, or says why not, with adbutils' adb.

Each run has a virtual phone of its own, and goes the way that every session goes: lease, claim,
push, claimed run, answer. ``nox -s robustness`` plays all of them, other sessions the first few.
"""

from __future__ import annotations

from suites.harness.devices.fault_runs.conftest import Play

ADB = 0


def test_a_fault_costs_no_answer_or_is_named(play: Play, seed: int) -> None:
    """The answer of the undisturbed run, or an error with the cause, before the deadline."""
    play(seed)
