"""The models are fast enough on this device."""

from __future__ import annotations

import pytest

from fixtures.bench import GetBench
from fixtures.judge import Judge
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
        "bookkeeping_ms_per_step",
    ],
)
def test_speed(
    model: VlmSpec,
    mode: Mode,
    own_recipe: Recipe,
    speed_metric: str,
    get_bench: GetBench,
    judge: Judge,
) -> None:
    """The median over runs of fresh processes stays within the gate."""
    get_bench(model, mode, own_recipe).judge(speed_metric, judge)
