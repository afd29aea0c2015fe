"""Runs with faults meet every fault, and are judged by what came back."""

from __future__ import annotations

from harness.devices.transport.errors import PhoneFailure
from suites.harness.devices.fault_runs.outcome import Outcome, outcome_table
from suites.harness.devices.fault_runs.plan import FEW, draw, load_plan, load_seeds
from suites.harness.devices.fault_runs.stage import judge

SEEDS = load_seeds()


def test_the_first_seeds_meet_every_fault_both_servers_and_both_runners() -> None:
    plan = load_plan()
    runs = [draw(plan, seed) for seed in SEEDS]
    for some, real in ((runs[:FEW], 6), (runs, 60)):
        assert {run.fault.name for run in some} == {fault.name for fault in plan.faults}
        assert {run.adb for run in some} == {0, 1}
        assert sum(run.runner == "real" for run in some) >= real
    assert len(set(SEEDS)) == 200


def test_every_fault_that_may_strike_the_opening_does() -> None:
    """The lease, the tools' way to the phone and the question which runner it has."""
    plan = load_plan()
    early = {run.fault.name for run in (draw(plan, seed) for seed in SEEDS) if run.is_early}
    # That one is the runner's own, which no run is asked before the phone is open.
    may = {fault.name for fault in plan.faults if not fault.late and fault.act != "hang_runner"}
    assert may <= early


def test_every_moment_that_a_fault_waits_for_comes() -> None:
    """The look at the phone's state before a run, which decides whether it counts, too."""
    plan = load_plan()
    runs = [draw(plan, seed) for seed in SEEDS]
    assert {run.moment_name for run in runs} == {"push", *plan.moments}
    assert "state" in {run.moment_name for run in runs[:FEW]}


def test_another_answer_is_wrong_and_another_cause_is_not_named() -> None:
    plan = load_plan()
    runs = [draw(plan, seed) for seed in SEEDS]
    cut = next(run for run in runs if run.fault.ends == "result")
    full = next(run for run in runs if run.fault.act == "fill_disk")
    good, other = (("red", (1,)),), (("blue", (1,)),)
    assert judge(cut, good, good)[0] == "result"
    assert judge(cut, good, other)[0] == "wrong result"
    assert judge(cut, good, PhoneFailure("away"))[0] == "lost result"
    assert judge(cut, good, None)[0] == "hang"
    assert judge(full, good, PhoneFailure("No space left on device"))[0] == "named error"
    assert judge(full, good, PhoneFailure("something"))[0] == "unnamed error"


def test_a_fault_that_never_struck_proves_nothing() -> None:
    outcome = Outcome(
        seed=1,
        fault="stall",
        runner="real",
        adb="debian",
        ending="result",
        words="",
        struck=False,
        drops=0,
        seconds=1.0,
    )
    assert not outcome.is_good
    assert outcome_table([outcome]).row_count == 3
