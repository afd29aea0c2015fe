"""The files are neither bloated nor hollow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fixtures.artifact import GetArtifact
from fixtures.judge import Judge
from harness.devices.device import Device
from harness.export.recipe import Recipe
from harness.measure.gate import Context
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
    judge: Judge,
) -> None:
    """Each .pte lies between its gate's lower and upper bound."""
    artifact = get_artifact(model, recipe, file_mode)
    file = artifact.manifest.component(component)
    context = replace(
        Context(model.name, device.target, device.soc, artifact.manifest.mode, file.precision),
        component=component,
    )
    judge.conclude(artifact, judge.exact("pte_bytes", file.pte_bytes, context, artifact))
