"""Whatever happens to a phone's connection during a run costs no answer, or is named.

Each run has a virtual phone of its own behind a real adb server, and a fault drawn with its seed:
``--fault-runs`` says how many runs, ``plan.toml`` of the fault runs what goes wrong.
"""

from __future__ import annotations

import pytest

from fixtures.session.plugin import session_plugin
from harness.checkpoint_source import find_checkpoint
from harness.export.exporter import export_artifact
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.runtime.request import Request
from harness.vlm.registry import get_spec
from suites.harness.devices.fault_runs.plan import Plan, draw, load_seeds
from suites.harness.devices.fault_runs.plugin import play_and_judge
from suites.harness.devices.fault_runs.stage import Stage

SEEDS = [
    pytest.param(seed, marks=pytest.mark.fault_run(number), id=f"seed-{seed}")
    for number, seed in enumerate(load_seeds())
]


@pytest.fixture(scope="session")
def stage(
    pytestconfig: pytest.Config,
    fault_plan: Plan,
    fault_request: Request,
    tmp_path_factory: pytest.TempPathFactory,
) -> Stage:
    """Plays runs of a miniature, whatever the session's own models are."""
    spec = get_spec("tiny_smolvlm")
    asked = ExportRequest(spec, find_checkpoint(spec, None), Recipe())
    cache = session_plugin(pytestconfig).settings.artifacts
    artifact = export_artifact(asked, cache, lambda component, stage: None).artifact
    return Stage(fault_plan, artifact, fault_request, tmp_path_factory.mktemp("stage"))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fault_costs_no_answer_or_is_named(
    stage: Stage, seed: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of the undisturbed run, or an error with the cause, before the deadline."""
    play_and_judge(stage, draw(stage.plan, seed), request, monkeypatch)
