"""The candidate is not slower than the artifact that it is compared with."""

from __future__ import annotations

import pytest

from fixtures.judge import Judge
from fixtures.paired_bench import CompareSpeed
from harness.export.recipe import Recipe
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Mode


@pytest.mark.parametrize(
    "metric",
    [
        "decode_tps",
        "prefill_tps",
        "prompt_eval_tps",
        "e2e_tps",
        "ttft_ms",
        "encode_ms",
        "load_ms",
        "peak_rss_mib",
    ],
)
def test_comparison(
    model: VlmSpec,
    mode: Mode,
    own_recipe: Recipe,
    speed_metric: str,
    compare_speed: CompareSpeed,
    judge: Judge,
) -> None:
    """Both take turns on one device; the ratio of neighbouring runs decides."""
    compare_speed(model, mode, own_recipe, speed_metric, judge)
