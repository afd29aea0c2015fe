"""Where the first of the runs with faults are played."""

from __future__ import annotations

import pytest

from harness.artifacts.artifact import Artifact
from harness.runtime.request import Request
from suites.harness.devices.fault_runs.plan import Plan
from suites.harness.devices.fault_runs.stage import Stage


@pytest.fixture(scope="session")
def stage(
    fault_plan: Plan,
    random_smolvlm: Artifact,
    fault_request: Request,
    tmp_path_factory: pytest.TempPathFactory,
) -> Stage:
    """Plays runs of a miniature with random weights."""
    return Stage(fault_plan, random_smolvlm, fault_request, tmp_path_factory.mktemp("stage"))
