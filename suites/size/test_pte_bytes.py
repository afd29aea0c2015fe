"""The files are neither bloated nor hollow."""

from __future__ import annotations

import pytest

from fixtures.artifact import GetArtifact
from fixtures.judge import SuiteJudge
from harness.devices.device import Device
from harness.export.recipe import Recipe
from harness.judging.measured import measured_on
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component, Mode


@pytest.mark.parametrize("component", COMPONENTS)
def test_pte_bytes(
    model: VlmSpec,
    recipe: Recipe,
    file_mode: Mode,
    component: Component,
    get_artifact: GetArtifact,
    device: Device,
    judge: SuiteJudge,
) -> None:
    """Each .pte lies between its gate's lower and upper bound."""
    artifact = get_artifact(model, recipe, file_mode)
    part = measured_on(device, artifact, component=component)
    judge.conclude_at_rest(part, pte_bytes=artifact.manifest.component(component).pte_bytes)
