"""What is weighed is a model, and no file of its size."""

from __future__ import annotations

import pytest

from fixtures.artifact import GetArtifact
from fixtures.judge import SuiteJudge
from harness.export.recipe import Recipe
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@pytest.mark.needs("a device")
def test_the_model_is_alive(
    model: VlmSpec, recipe: Recipe, file_mode: Mode, get_artifact: GetArtifact, judge: SuiteJudge
) -> None:
    """It answers, and not the same whatever it is shown."""
    judge.require_alive(model, get_artifact(model, recipe, file_mode), file_mode)
