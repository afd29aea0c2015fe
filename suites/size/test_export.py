"""What making the files took: hours and gigabytes are what keeps people from exporting again."""

from __future__ import annotations

import pytest

from fixtures.artifact import GetArtifact
from fixtures.judge import SuiteJudge
from harness.artifacts.manifest import ComponentFile
from harness.devices.device import Device
from harness.export.recipe import Recipe
from harness.judging.failures import NothingToJudge
from harness.judging.measured import Measured, measured_on
from harness.vlm.spec import VlmSpec
from harness.vocabulary import COMPONENTS, Component, Mode

Exported = tuple[Measured, ComponentFile]


@pytest.fixture
def exported(
    model: VlmSpec,
    recipe: Recipe,
    file_mode: Mode,
    component: Component,
    get_artifact: GetArtifact,
    device: Device,
) -> Exported:
    """One component, as its export left it."""
    artifact = get_artifact(model, recipe, file_mode)
    return measured_on(device, artifact, component=component), artifact.manifest.component(
        component
    )


def told(value: float | None) -> float:
    """What a manifest tells; another exporter's tells nothing."""
    if value is None:
        raise NothingToJudge("the manifest does not tell what the export took; export it here")
    return value


@pytest.mark.parametrize("component", COMPONENTS)
def test_memory_of_an_export(exported: Exported, judge: SuiteJudge) -> None:
    """Peak resident set of the process that made the file."""
    part, file = exported
    judge.conclude_at_rest(part, export_peak_rss_mib=told(file.export_peak_rss_mib))


@pytest.mark.parametrize("component", COMPONENTS)
def test_time_of_an_export(exported: Exported, judge: SuiteJudge) -> None:
    """Wall time, on whatever machine made the file and beside whatever else it did."""
    part, file = exported
    judge.conclude_at_rest(part, export_s=told(file.export_s))
