"""The models are fast enough on this device."""

from __future__ import annotations

import pytest

from fixtures.judge import SuiteJudge
from fixtures.speed import GetBench
from harness.export.recipe import Recipe
from harness.measure.metrics import JUDGED_SPEEDS
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@pytest.mark.parametrize("metric", JUDGED_SPEEDS)
def test_speed(
    model: VlmSpec, mode: Mode, own_recipe: Recipe, metric: str, bench: GetBench, judge: SuiteJudge
) -> None:
    """The median over runs of fresh processes stays within the gate."""
    judge.conclude_speed(bench(model, mode, own_recipe), metric)
