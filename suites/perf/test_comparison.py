"""The candidate is not slower than the artifact that it is compared with."""

from __future__ import annotations

import pytest

from fixtures.judge import SuiteJudge
from fixtures.speed import CompareSpeed
from harness.export.recipe import Recipe
from harness.measure.metrics import COMPARED_SPEEDS
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@pytest.mark.parametrize("metric", COMPARED_SPEEDS)
def test_comparison(
    model: VlmSpec,
    mode: Mode,
    own_recipe: Recipe,
    metric: str,
    compare_speed: CompareSpeed,
    judge: SuiteJudge,
) -> None:
    """Both take turns on one device; the ratio of neighbouring runs decides."""
    judge.conclude_speed(compare_speed(model, mode, own_recipe), metric)
