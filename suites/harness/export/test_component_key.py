"""A component's key changes with everything that can change its bytes, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import harness
from harness.backends.qnn.recipe import HtpRecipe, LayerOverride
from harness.export.component_key import (
    ArtifactSettings,
    BuildConfig,
    component_order,
    exporter_sha256,
    hash_sources,
)
from harness.vlm.mode import LookaheadShape
from harness.vlm.registry import get_spec
from harness.vocabulary import COMPONENTS, Component

BASE: dict[str, Any] = {
    "precision": "fp32",
    "target": "host",
    "mode": "hybrid",
    "context_length": 256,
    "prefill_ar": 16,
    "kv_encodings": "shared",
    "image_token_id": 5,
    "weights_sha256": "0" * 64,
    "calibration_sha256": "2" * 64,
}

OWN = ("precision", "weights_sha256", "calibration_sha256")
"""What differs between the components of one artifact."""

REACHES: dict[str, tuple[Any, set[Component]]] = {
    "precision": ("8da4w", {"vision_encoder", "token_embedding", "text_decoder"}),
    "mode": ("kv", {"token_embedding", "text_decoder"}),
    "context_length": (128, {"text_decoder"}),
    "prefill_ar": (32, {"token_embedding", "text_decoder"}),
    "kv_encodings": ("requantized", {"text_decoder"}),
    "image_token_id": (6, {"text_decoder"}),
    "weights_sha256": ("1" * 64, {"vision_encoder", "token_embedding", "text_decoder"}),
}


def order(component: Component, **changes: Any) -> BuildConfig:
    values = BASE | changes
    own = {name: values.pop(name) for name in OWN}
    settings = ArtifactSettings(**values)
    return component_order(get_spec("tiny_smolvlm"), component, settings=settings, **own)


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("setting", REACHES)
def test_a_setting_changes_the_keys_of_the_components_it_reaches(
    component: Component, setting: str
) -> None:
    value, reached = REACHES[setting]
    changed = order(component, **{setting: value}).key != order(component).key
    assert changed == (component in reached)


def test_only_calibrated_precisions_depend_on_the_calibration() -> None:
    for precision, depends in (("fp32", False), ("8da4w", False), ("16a8w", True)):
        one = order("text_decoder", precision=precision)
        other = order("text_decoder", precision=precision, calibration_sha256="3" * 64)
        assert (one.key != other.key) == depends


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of our sources that a test may change."""
    source = Path(harness.__file__).parent
    for room in ("export", "backends", "measure", "targets", "vlm"):
        shutil.copytree(source / room, tmp_path / "harness" / room)
    return tmp_path / "harness"


@pytest.mark.parametrize(
    "source",
    [
        "export/graphs/vision_encoder.py",
        "export/graphs/text_decoder.py",
        "export/component.py",
        "export/metadata.py",
        "export/quantization.py",
        "export/graphs/token_embedding.py",
        "export/conversation.py",
        "export/calibration.py",
        "export/checkpoint.py",
        "export/graphs/bookkeeping.py",
        "export/htp/activation_ranges.py",
        "export/htp/float_cache.py",
        "export/htp/layers.py",
        "export/worker/__main__.py",
        "backends/xnnpack.py",
        "backends/qnn/compiler_log.py",
        "backends/qnn/delegation.py",
        "backends/qnn/lowering.py",
        "backends/qnn/quantizer.py",
        "backends/qnn/shim.c",
        "targets/soc.py",
        "vlm/mode.py",
        "vlm/preprocess.py",
        "vlm/prompt.py",
    ],
)
def test_an_exporter_that_was_changed_gets_other_keys(package: Path, source: str) -> None:
    assert hash_sources(package) == exporter_sha256() == order("vision_encoder").exporter_sha256
    (package / source).write_text((package / source).read_text() + "\n")
    changed = hash_sources(package)
    assert changed != exporter_sha256()
    stored = order("vision_encoder")
    assert stored.model_copy(update={"exporter_sha256": changed}).key != stored.key


def test_a_source_that_decides_no_bytes_changes_no_key(package: Path) -> None:
    for source in ("export/cache.py", "measure/statistics.py"):
        (package / source).write_text("")
    assert hash_sources(package) == exporter_sha256()


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_key_is_stable(component: Component) -> None:
    stored = order(component).model_dump_json()
    assert BuildConfig.model_validate_json(stored).key == order(component).key


def test_a_lookahead_branch_reaches_what_a_decode_step_runs() -> None:
    for component in COMPONENTS:
        keys = {
            order(component, mode="lookahead", lookahead=LookaheadShape(*shape)).key
            for shape in ((4, 5, 4), (4, 5, 3))
        }
        assert (len(keys) == 2) == (component != "vision_encoder")
    assert order("text_decoder").decode_ar == 1
    assert order("text_decoder", lookahead=LookaheadShape(4, 5, 3)).decode_ar == 32


def test_a_kv_file_does_not_depend_on_the_prefill_length() -> None:
    kv = order("text_decoder", mode="kv")
    assert kv.key == order("text_decoder", mode="kv", prefill_ar=32).key


@pytest.mark.parametrize(
    ("component", "file"),
    [
        ("text_decoder", "hybrid_llama_xnnpack.pte"),
        ("token_embedding", "tok_embedding_xnnpack.pte"),
        ("vision_encoder", "vision_encoder_xnnpack.pte"),
    ],
)
def test_files_are_named_as_upstream_names_them(component: Component, file: str) -> None:
    assert order(component).file_name == file


def htp_order(component: Component, **changes: Any) -> BuildConfig:
    """An order for the emulator in the default recipe."""
    base = {"precision": "16a8w", "target": "emulator", "soc": "SM8650", "htp": HtpRecipe()}
    return order(component, **base | {"qnn_build": "v2.47.0"} | changes)


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize(
    ("setting", "value"), [("soc", "SM8550"), ("qnn_build", "v2.48.0"), ("target", "phone")]
)
def test_soc_compiler_and_target_reach_every_htp_component(
    component: Component, setting: str, value: str
) -> None:
    assert htp_order(component, **{setting: value}).key != htp_order(component).key


@pytest.mark.parametrize("precision", ["8w", "4w"])
@pytest.mark.parametrize(
    ("setting", "value"), [("soc", "SM8550"), ("qnn_build", "v2.48.0"), ("target", "phone")]
)
def test_a_table_on_the_cpu_is_the_same_for_every_phone(
    precision: str, setting: str, value: str
) -> None:
    one, other = (
        htp_order("token_embedding", precision=precision, **changes)
        for changes in ({}, {setting: value})
    )
    assert one.key == other.key
    assert one.file_name == "tok_embedding_qnn.pte"


@pytest.mark.parametrize(
    ("recipe", "reached"),
    [
        (HtpRecipe(kv_bits=8), {"text_decoder"}),
        (HtpRecipe(decode_kv_headroom=1.5), {"text_decoder"}),
        (HtpRecipe(block_size=16), set()),
        (
            HtpRecipe(
                overrides=(
                    LayerOverride(component="vision_encoder", pattern="mlp", scheme="16a4w"),
                )
            ),
            {"vision_encoder"},
        ),
    ],
)
def test_details_reach_only_what_they_are_about(recipe: HtpRecipe, reached: set[Component]) -> None:
    changed = {
        component
        for component in COMPONENTS
        if htp_order(component, htp=recipe).key != htp_order(component).key
    }
    assert changed == reached
    blocks = [
        htp_order("text_decoder", precision="16a4w_block", htp=one) for one in (recipe, HtpRecipe())
    ]
    if recipe.block_size != HtpRecipe().block_size:
        assert blocks[0].key != blocks[1].key


def test_float16_needs_no_details_and_no_samples() -> None:
    one = htp_order("text_decoder", precision="fp16")
    assert (one.htp, one.calibration_sha256) == (None, None)


def test_htp_files_have_upstreams_names() -> None:
    assert [htp_order(component).file_name for component in COMPONENTS] == [
        "vision_encoder_qnn.pte",
        "tok_embedding_qnn.pte",
        "hybrid_llama_qnn.pte",
    ]
