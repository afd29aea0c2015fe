"""What an export will take is read off what exports took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.artifacts.manifest import ComponentFile
from harness.checkpoint.checkpoint import open_checkpoint
from harness.export.needs import (
    ArtifactNeed,
    ExportOrder,
    MeasuredNeed,
    Need,
    artifact_need,
    expected_need,
    known,
    surprises,
)
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.miniatures.committed import checkpoint_path
from harness.vlm.registry import get_spec, known_models

DECODER = MeasuredNeed(
    model="smolvlm_500m",
    component="text_decoder",
    target="host",
    mode="hybrid",
    precision="fp32",
    weights=100_000_000,
    peak_rss_mib=2_500.0,
    export_s=200.0,
    pte_bytes=400_000_000,
)
EMPTY = DECODER.model_copy(
    update={"model": "tiny_smolvlm", "weights": 1_000, "peak_rss_mib": 500.0, "export_s": 5.0}
)


def order(**changes: object) -> ExportOrder:
    fields = {name: getattr(DECODER, name) for name in ExportOrder.model_fields}
    return ExportOrder.model_validate({**fields, **changes})


def test_a_row_of_the_table_is_said_as_it_was_measured() -> None:
    need = expected_need(order(), [EMPTY, DECODER])
    assert (need.peak_rss_mib, need.export_s, need.pte_bytes) == (2_500.0, 200.0, 400_000_000)
    assert need.measured_on == DECODER


def test_another_model_takes_what_its_weights_do_above_an_empty_process() -> None:
    need = expected_need(order(model="smolvlm.mine", weights=200_000_000), [EMPTY, DECODER])
    assert need.peak_rss_mib == pytest.approx(500 + 2 * 2_000)
    assert need.pte_bytes == 800_000_000


@pytest.mark.parametrize(
    ("changes", "nearest"),
    [
        ({"precision": "8da4w"}, "small"),
        ({"precision": "16a8w", "target": "emulator"}, "phone"),
        ({"mode": "kv"}, "kv"),
    ],
)
def test_the_precision_tells_more_than_the_model(changes: dict[str, str], nearest: str) -> None:
    rows = [
        DECODER,
        DECODER.model_copy(update={"model": "small", "precision": "8da4w"}),
        DECODER.model_copy(update={"model": "phone", "precision": "16a8w", "target": "phone"}),
        DECODER.model_copy(update={"model": "kv", "mode": "kv"}),
    ]
    assert expected_need(order(**changes), rows).measured_on.model == nearest


@given(weights=st.integers(1, 10**12))
def test_no_component_is_said_to_take_less_than_an_empty_process(weights: int) -> None:
    need = expected_need(order(model="other", weights=weights), [EMPTY, DECODER])
    assert need.peak_rss_mib >= 500.0
    assert need.pte_bytes >= 0


def test_the_table_knows_every_component_of_what_people_ship() -> None:
    shipped = {spec.name for spec in known_models().values() if not spec.is_miniature}
    of_host = {(row.model, row.component) for row in known() if row.target == "host"}
    assert {model for model, _ in of_host} >= shipped
    assert len({component for _, component in of_host}) == 3


def test_the_largest_component_decides_memory_and_the_sum_disk() -> None:
    checkpoint = open_checkpoint(checkpoint_path("tiny_smolvlm"), get_spec("tiny_smolvlm"))
    request = ExportRequest(checkpoint.spec, checkpoint.directory, Recipe())
    need = artifact_need(request, checkpoint)
    assert need.peak_gib == max(one.peak_rss_mib for one in need.components) / 1024
    sizes = [one.pte_bytes for one in need.components]
    assert need.disk_bytes == sum(sizes) + max(sizes)


def a_decoder(took_mib: float) -> ComponentFile:
    return ComponentFile(
        component="text_decoder",
        precision="fp32",
        key="k",
        file="text_decoder.pte",
        sha256="0" * 64,
        weights_sha256="0" * 64,
        pte_bytes=1,
        export_s=1.0,
        export_peak_rss_mib=took_mib,
    )


@pytest.mark.parametrize(("took", "is_told"), [(2_950.0, False), (3_100.0, True), (1_900.0, True)])
def test_an_export_that_took_something_else_is_told(took: float, is_told: bool) -> None:
    said = ArtifactNeed((Need("text_decoder", 2_500.0, 1.0, 1, DECODER),))
    built = a_decoder(took)
    told = surprises(said, [built])
    assert bool(told) == is_told
    assert surprises(said, [built.model_copy(update={"export_peak_rss_mib": None})]) == []
    if told:
        measured_on = "as measured on smolvlm_500m in fp32, hybrid, for the host"
        assert f"2,500 were expected, {measured_on}" in told[0]


def test_nobody_is_told_of_less_than_a_gib() -> None:
    said = ArtifactNeed((Need("text_decoder", 300.0, 1.0, 1, DECODER),))
    took = a_decoder(600.0)
    assert surprises(said, [took]) == []
    assert surprises(said, [a_decoder(1_030.0)])
