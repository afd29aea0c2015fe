"""A component's key changes with everything that can change its bytes, and with nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.backends.decoder_recipe import DecoderRecipe
from harness.backends.qnn.recipe import HtpRecipe, LayerOverride
from harness.backends.weight_recipe import WeightRecipe
from harness.export.component_key import component_config, exporter_sha256
from harness.export.inputs.build_config import BuildConfig
from harness.export.recipe import Recipe
from harness.export.request import ExportRequest
from harness.vlm.mode import LookaheadShape
from harness.vlm.registry import get_spec
from harness.vocabulary import COMPONENTS, Component

SPEC = get_spec("tiny_smolvlm")

OF_CHECKPOINT: dict[str, Any] = {
    "image_token_id": 5,
    "weights_sha256": "0" * 64,
    "calibration_sha256": "2" * 64,
    "qnn_build": None,
}
"""What is known once a checkpoint is open; all else is asked for."""

REACHES: dict[str, tuple[Any, set[Component]]] = {
    "precision": ("8da4w", {"vision_encoder", "token_embedding", "text_decoder"}),
    "mode": ("kv", {"token_embedding", "text_decoder"}),
    "context_length": (128, {"text_decoder"}),
    "prefill_ar": (32, {"token_embedding", "text_decoder"}),
    "kv_encodings": ("requantized", {"text_decoder"}),
    "image_token_id": (6, {"text_decoder"}),
    "weights_sha256": ("1" * 64, {"vision_encoder", "token_embedding", "text_decoder"}),
}


def config(
    component: Component,
    *,
    precision: str = "fp32",
    htp: HtpRecipe | None = None,
    weights: WeightRecipe | None = None,
    decoder: DecoderRecipe | None = None,
    **changes: Any,
) -> BuildConfig:
    """What a component of the host's hybrid artifact depends on, with some things changed."""
    known = {name: changes.pop(name, value) for name, value in OF_CHECKPOINT.items()}
    recipe = Recipe.model_validate(dict.fromkeys(COMPONENTS, precision))
    details = {
        "htp": htp or HtpRecipe(),
        "weights": weights or WeightRecipe(),
        "decoder": decoder or DecoderRecipe(),
    }
    recipe = recipe.model_copy(update=details)
    request = ExportRequest(SPEC, Path("unread"), recipe, **{"context_length": 256, **changes})
    return component_config(request, SPEC, component, **known)


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("setting", REACHES)
def test_a_setting_changes_the_keys_of_the_components_it_reaches(
    component: Component, setting: str
) -> None:
    value, reached = REACHES[setting]
    changed = config(component, **{setting: value}).key != config(component).key
    assert changed == (component in reached)


def test_only_calibrated_precisions_depend_on_the_calibration() -> None:
    for precision, depends in (("fp32", False), ("8da8w", False), ("16a8w", True)):
        one = config("text_decoder", precision=precision)
        other = config("text_decoder", precision=precision, calibration_sha256="3" * 64)
        assert (one.key != other.key) == depends


LEARNED = WeightRecipe(rounding="learned")


@pytest.mark.parametrize(
    ("precision", "weights", "reached"),
    [
        ("8da4w", WeightRecipe(scales="largest"), {"vision_encoder", "text_decoder"}),
        ("8da4w", WeightRecipe(head_bits=4), {"text_decoder"}),
        ("8da4w", LEARNED, {"text_decoder"}),
        ("8da8w", WeightRecipe(scales="largest"), set()),
        ("fp32", LEARNED, set()),
    ],
)
def test_details_of_4_bit_weights_reach_the_layers_that_have_some(
    precision: str, weights: WeightRecipe, reached: set[Component]
) -> None:
    changed = {
        component
        for component in COMPONENTS
        if config(component, precision=precision, weights=weights).key
        != config(component, precision=precision).key
    }
    assert changed == reached


def test_learned_weights_depend_on_what_they_were_learned_on() -> None:
    keys = {
        component: {
            config(
                component, precision="8da4w", weights=LEARNED, calibration_sha256=sha256 * 64
            ).key
            for sha256 in "23"
        }
        for component in COMPONENTS
    }
    assert {name for name, found in keys.items() if len(found) == 2} == {"text_decoder"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_key_is_stable(component: Component) -> None:
    stored = config(component).model_dump_json()
    assert BuildConfig.model_validate_json(stored).key == config(component).key


def test_other_sources_of_the_exporter_make_another_key() -> None:
    stored = config("text_decoder")
    assert stored.exporter_sha256 == exporter_sha256(SPEC.family)
    assert stored.model_copy(update={"exporter_sha256": "4" * 64}).key != stored.key


def test_a_lookahead_branch_reaches_what_a_decode_step_runs() -> None:
    for component in COMPONENTS:
        keys = {
            config(component, mode="lookahead", lookahead=LookaheadShape(*shape)).key
            for shape in ((4, 5, 4), (4, 5, 3))
        }
        assert (len(keys) == 2) == (component != "vision_encoder")
    assert config("text_decoder").decode_ar == 1
    assert (
        config("text_decoder", mode="lookahead", lookahead=LookaheadShape(4, 5, 3)).decode_ar == 32
    )


def test_a_kv_file_does_not_depend_on_the_prefill_length() -> None:
    kv = config("text_decoder", mode="kv")
    assert kv.key == config("text_decoder", mode="kv", prefill_ar=32).key


@pytest.mark.parametrize(
    ("component", "file"),
    [
        ("text_decoder", "hybrid_llama_xnnpack.pte"),
        ("token_embedding", "tok_embedding_xnnpack.pte"),
        ("vision_encoder", "vision_encoder_xnnpack.pte"),
    ],
)
def test_files_are_named_as_upstream_names_them(component: Component, file: str) -> None:
    assert config(component).file_name == file


def htp_config(component: Component, **changes: Any) -> BuildConfig:
    """What a component of the emulator's default recipe depends on, with some things changed."""
    base = {"precision": "16a8w", "target": "emulator", "soc": "SM8650", "qnn_build": "v2.47.0"}
    return config(component, **base | changes)


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize(
    ("setting", "value"), [("soc", "SM8550"), ("qnn_build", "v2.48.0"), ("target", "phone")]
)
def test_soc_compiler_and_target_reach_every_htp_component(
    component: Component, setting: str, value: str
) -> None:
    assert htp_config(component, **{setting: value}).key != htp_config(component).key


@pytest.mark.parametrize("precision", ["8w", "4w"])
@pytest.mark.parametrize(
    ("setting", "value"), [("soc", "SM8550"), ("qnn_build", "v2.48.0"), ("target", "phone")]
)
def test_a_table_on_the_cpu_is_the_same_for_every_phone(
    precision: str, setting: str, value: str
) -> None:
    one, other = (
        htp_config("token_embedding", precision=precision, **changes)
        for changes in ({}, {setting: value})
    )
    assert one.key == other.key
    assert one.file_name == "tok_embedding_qnn.pte"


@pytest.mark.parametrize(
    ("recipe", "reached"),
    [
        (HtpRecipe(kv_bits=8), {"text_decoder"}),
        (HtpRecipe(rotate_keys=True), {"text_decoder"}),
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
        if htp_config(component, htp=recipe).key != htp_config(component).key
    }
    assert changed == reached
    blocks = [
        htp_config("text_decoder", precision="16a4w_block", htp=one)
        for one in (recipe, HtpRecipe())
    ]
    if recipe.block_size != HtpRecipe().block_size:
        assert blocks[0].key != blocks[1].key


@pytest.mark.parametrize(("precision", "reaches"), [("8da8w", True), ("fp32", False)])
def test_details_of_a_decoder_reach_a_quantized_one_alone(precision: str, reaches: bool) -> None:
    changed = {
        component
        for component in COMPONENTS
        if config(component, precision=precision, decoder=DecoderRecipe(rotate_hidden=False)).key
        != config(component, precision=precision, decoder=DecoderRecipe(rotate_hidden=True)).key
    }
    assert changed == ({"text_decoder"} if reaches else set())


@pytest.mark.parametrize("precision", ["8da8w", "8da4w", "16a8w", "16a4w_block"])
def test_decoders_with_one_key_have_one_label(precision: str) -> None:
    labels: dict[str, set[str]] = {}
    for told in (None, False, True):
        decoder = DecoderRecipe(rotate_hidden=told)
        recipe = Recipe.model_validate({"text_decoder": precision, "decoder": decoder})
        one = config("text_decoder", precision=precision, decoder=decoder)
        labels.setdefault(one.key, set()).update({recipe.label, recipe.resolved.label})
    assert sorted(map(len, labels.values())) == [1, 1]
    plain = Recipe.model_validate({"text_decoder": precision}).label
    assert {plain} in labels.values()


def test_float16_needs_no_details_and_no_samples() -> None:
    one = htp_config("text_decoder", precision="fp16")
    assert (one.htp, one.calibration_sha256) == (None, None)


def test_htp_files_have_upstreams_names() -> None:
    assert [htp_config(component).file_name for component in COMPONENTS] == [
        "vision_encoder_qnn.pte",
        "tok_embedding_qnn.pte",
        "hybrid_llama_qnn.pte",
    ]
