"""A run on a phone survives what happens to it, or says why not, with adbutils' adb.

The first of the runs that ``nox -s robustness`` plays, each on a virtual phone of its own, by the
way that every session goes: lease, claim, push, claimed run, answer.
"""

from __future__ import annotations

import pytest

from suites.harness.devices.fault_runs.plan import draw, load_plan, load_seeds
from suites.harness.devices.fault_runs.plugin import FEW, play_and_judge
from suites.harness.devices.fault_runs.stage import Stage

PLAN = load_plan()
SEEDS = [seed for seed in load_seeds()[:FEW] if draw(PLAN, seed).adb == 0]


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed-{seed}")
def test_a_fault_costs_no_answer_or_is_named(
    stage: Stage, seed: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    play_and_judge(stage, draw(stage.plan, seed), request, monkeypatch)
