"""What a phone's memory allows is known before it runs, from the manifest of what it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.artifacts.artifact import open_artifact
from harness.artifacts.manifest import GraphCost, Manifest
from harness.backends.qnn.recipe import HtpRecipe
from harness.judging.htp_cost import DecodeLimit, decode_limit, kv_cache_bytes
from harness.vlm.registry import get_spec
from reports.roofline import LIMIT_METRICS
from suites.harness.fixtures.conftest import hollow_artifact
from suites.harness.judging.benches import GATE, GivenDevice, Recorded, a_bench

SMOLVLM = get_spec("smolvlm_500m").text
SM8550_GB_PER_S = 67.2
COUNTED = GraphCost(
    method="kv_forward",
    ddr_read_bytes=400_000_000,
    ddr_write_bytes=3_200_000,
    spill_bytes=0,
    fill_bytes=0,
    vtcm_mib=8,
    delegates=1,
    context_bytes=1,
)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of SmolVLM-500M by the stock recipe: 361.9 million weights of 8 bits, context 1024."""
    hollow = open_artifact(hollow_artifact(tmp_path / "artifact")).manifest
    parts = tuple(
        part.model_copy(update={"precision": "16a8w", "pte_bytes": 361_900_000})
        for part in hollow.components
    )
    update = {"components": parts, "context_length": 1024, "htp": HtpRecipe()}
    return hollow.model_copy(update=update)


def with_graphs(manifest: Manifest, *graphs: GraphCost) -> Manifest:
    parts = tuple(part.model_copy(update={"graphs": graphs}) for part in manifest.components)
    return manifest.model_copy(update={"components": parts})


def test_the_compilers_own_count_decides(manifest: Manifest) -> None:
    limit = decode_limit(with_graphs(manifest, COUNTED), SMOLVLM, SM8550_GB_PER_S)
    assert limit == DecodeLimit("ms_per_token_lower_bound", pytest.approx(6.0))


def test_weights_and_cache_stand_in_where_it_told_nothing(manifest: Manifest) -> None:
    """As the published table: 404 MB a token, 166 tokens per second on SM8550."""
    silent = COUNTED.model_copy(update={"ddr_read_bytes": None, "ddr_write_bytes": None})
    for told in (manifest, with_graphs(manifest, silent)):
        limit = decode_limit(told, SMOLVLM, SM8550_GB_PER_S)
        assert limit is not None
        assert limit.metric == "ms_per_token_of_weights"
        assert 1000 / limit.milliseconds == pytest.approx(166, abs=0.5)


@pytest.mark.parametrize(
    ("precision", "htp", "bits"),
    [
        ("16a8w", HtpRecipe(), 16),
        ("16a8w", HtpRecipe(kv_bits=8), 8),
        ("16a8w", None, 16),
        ("fp16", None, 32),
    ],
)
def test_the_cache_is_as_wide_as_the_recipe_says(
    manifest: Manifest, precision: str, htp: HtpRecipe | None, bits: int
) -> None:
    parts = tuple(part.model_copy(update={"precision": precision}) for part in manifest.components)
    made = manifest.model_copy(update={"components": parts, "htp": htp})
    # 32 layers of 5 heads, K and V, 64 numbers for each of 1024 positions.
    assert kv_cache_bytes(made, SMOLVLM) == 2 * 32 * 5 * 64 * 1024 * bits // 8


def test_a_memory_of_unknown_rate_limits_nothing(manifest: Manifest) -> None:
    assert decode_limit(manifest, SMOLVLM, None) is None


def test_the_limit_is_written_down_once_beside_the_first_speed(tmp_path: Path) -> None:
    device: Any = GivenDevice([100.0, 100.5, 99.5, 100.2, 99.8])
    recorded = Recorded(device, gates=[GATE, GATE.model_copy(update={"metric": "e2e_tps"})])
    bench = a_bench(device, tmp_path, [])
    bench.limit = DecodeLimit("ms_per_token_of_weights", 6.0)
    for metric in ("decode_tps", "e2e_tps"):
        bench.conclude(metric, recorded.judge)
    [row] = [row for row in recorded.of_kind("sample") if row.metric in LIMIT_METRICS]
    assert (row.metric, row.value, row.component) == (bench.limit.metric, 6.0, "text_decoder")
    assert row.artifact_key == bench.measured.artifact.manifest.key
