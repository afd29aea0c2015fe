"""What is weighed is a model, and no file of its size."""

from __future__ import annotations

from fixtures.artifact import GetArtifact
from harness.export.recipe import Recipe
from harness.judging.liveness import Liveness
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


def test_the_model_is_alive(
    model: VlmSpec, recipe: Recipe, file_mode: Mode, get_artifact: GetArtifact, liveness: Liveness
) -> None:
    """It answers, and not the same whatever it is shown."""
    liveness.require(model, get_artifact(model, recipe, file_mode), file_mode)
