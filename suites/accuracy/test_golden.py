"""Answers about the golden pictures name what is in them."""

from __future__ import annotations

import statistics

import pytest

from fixtures.artifact import GetArtifact
from fixtures.golden import GoldenSet, golden_answers
from fixtures.judge import Judge
from harness.devices.device import Device
from harness.export.recipe import Recipe
from harness.measure.accuracy import golden_hit
from harness.measure.gate import Context
from harness.vlm.mode import Mode
from harness.vlm.spec import VlmSpec


def test_golden_features_are_named(
    model: VlmSpec,
    mode: Mode,
    recipe: Recipe,
    golden_cases: GoldenSet,
    get_artifact: GetArtifact,
    device: Device,
    judge: Judge,
) -> None:
    """Every required word is in the answer itself, as a whole word."""
    if model.name not in golden_cases.models:
        pytest.skip(f"fixtures/images/golden.toml has no cases for {model.name}; add it to models")
    answers = golden_answers(model, mode, recipe, golden_cases, get_artifact, device)
    share = statistics.fmean(
        golden_hit(answer, case.features)
        for answer, case in zip(answers, golden_cases.case, strict=True)
    )
    artifact = get_artifact(model, recipe)
    context = Context(
        model.name, device.target, device.soc, mode, artifact.manifest.precision_label
    )
    judge.conclude(artifact, judge.exact("golden_hit", share, context, artifact))
