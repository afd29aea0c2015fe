"""A hub's sparse ``config.json`` is read as ``transformers`` does, and no setting is ignored."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from harness.errors import UserError
from harness.vlm import internvl3, smolvlm
from harness.vlm.registry import get_family, get_spec

SMOLVLM: dict[str, Any] = {
    "scale_factor": 4,
    "vision_config": {
        "hidden_size": 768,
        "image_size": 512,
        "num_attention_heads": 12,
        "patch_size": 16,
    },
    "text_config": {
        "head_dim": 64,
        "hidden_size": 960,
        "intermediate_size": 2560,
        "num_attention_heads": 15,
        "num_key_value_heads": 5,
        "rms_norm_eps": 1e-5,
        "rope_scaling": None,
        "rope_theta": 100000,
        "vocab_size": 49280,
    },
}
INTERNVL3: dict[str, Any] = {
    "vision_config": {"attention_bias": True},
    "text_config": {
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_attention_heads": 14,
        "num_hidden_layers": 24,
        "num_key_value_heads": 2,
        "rope_scaling": {"factor": 2.0, "rope_type": "dynamic", "type": "dynamic"},
        "rope_theta": 1000000.0,
        "vocab_size": 151674,
    },
}
SPARSE = {"smolvlm": SMOLVLM, "internvl3": INTERNVL3}


def changed(family: str, path: str, value: Any) -> dict[str, Any]:
    """The family's configuration with another value at a dotted path."""
    config = copy.deepcopy(SPARSE[family])
    *parents, name = path.split(".")
    inner = config
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    return config


@pytest.mark.parametrize(
    ("family", "model"), [("smolvlm", "smolvlm_500m"), ("internvl3", "internvl3_1b")]
)
def test_what_a_hub_leaves_out_is_filled_in(family: str, model: str) -> None:
    spec = get_spec(model)
    assert get_family(family).read_geometry(SPARSE[family]) == (spec.vision, spec.text)


@pytest.mark.parametrize("family", SPARSE)
def test_the_defaults_are_those_of_transformers(family: str) -> None:
    """Held against the installed ``transformers``; a key it does not know would fail too."""
    from transformers import Idefics3Config, InternVLConfig, LlamaConfig, Qwen2Config

    module, model, text = {
        "smolvlm": (smolvlm, Idefics3Config(), LlamaConfig()),
        "internvl3": (internvl3, InternVLConfig(), Qwen2Config()),
    }[family]
    vision = model.vision_config
    stated = {name: getattr(vision, name) for name in module.VISION_DEFAULTS}
    assert stated == module.VISION_DEFAULTS
    text_stated = {name: getattr(text, name) for name in module.TEXT_DEFAULTS}
    if module.TEXT_DEFAULTS["num_key_value_heads"] is None:
        text_stated["num_key_value_heads"] = None
    assert text_stated == module.TEXT_DEFAULTS
    assert {name: getattr(model, name) for name in module.MODEL_DEFAULTS} == module.MODEL_DEFAULTS
    assert text.rope_parameters["rope_theta"] == 10_000.0


@pytest.mark.parametrize("family", SPARSE)
@pytest.mark.parametrize("size", [(32, 896), ([32, 32], [896, 896]), ((32, 32), (896, 896))])
def test_a_size_may_be_one_number_or_two(family: str, size: tuple[object, object]) -> None:
    patch, image = size
    read = get_family(family).read_geometry
    vision, _ = read(changed(family, "vision_config.image_size", image))
    assert vision.image_size_px == 896
    vision, _ = read(changed(family, "vision_config.patch_size", patch))
    assert vision.patch_size_px == 32


@pytest.mark.parametrize("family", SPARSE)
@pytest.mark.parametrize(
    ("place", "rope_type"),
    [("rope_scaling", "default"), ("rope_scaling", "dynamic"), ("rope_parameters", "default")],
)
def test_a_rotary_embedding_that_equals_the_plain_one_is_taken(
    family: str, place: str, rope_type: str
) -> None:
    config = changed(family, f"text_config.{place}", {"rope_type": rope_type, "factor": 2.0})
    assert get_family(family).read_geometry(config)


@pytest.mark.parametrize(
    ("family", "setting", "value"),
    [
        ("smolvlm", "vision_config.hidden_act", "gelu"),
        ("smolvlm", "vision_config.image_size", [512, 384]),
        ("smolvlm", "vision_config.num_channels", 1),
        ("smolvlm", "vision_config.num_hidden_layers", 0),
        ("smolvlm", "vision_config.image_size", 500),
        ("smolvlm", "vision_config", []),
        ("smolvlm", "scale_factor", 0),
        ("smolvlm", "text_config.model_type", "mistral"),
        ("smolvlm", "text_config.hidden_size", "960"),
        ("smolvlm", "text_config.num_key_value_heads", 0),
        ("smolvlm", "text_config.vocab_size", True),
        ("smolvlm", "text_config.partial_rotary_factor", 0.5),
        ("smolvlm", "text_config.hidden_act", "gelu"),
        ("smolvlm", "text_config.attention_bias", True),
        ("smolvlm", "text_config.mlp_bias", True),
        ("smolvlm", "text_config.rope_scaling", {"rope_type": "llama3", "factor": 8.0}),
        ("smolvlm", "text_config.rope_scaling", {"type": "linear", "factor": 2.0}),
        ("smolvlm", "text_config.rope_parameters", {"rope_type": "yarn", "rope_theta": 1e4}),
        ("internvl3", "vision_config.hidden_act", "quick_gelu"),
        ("internvl3", "vision_config.use_qk_norm", True),
        ("internvl3", "vision_config.norm_type", "rms_norm"),
        ("internvl3", "vision_config.attention_bias", False),
        ("internvl3", "vision_config.use_mean_pooling", False),
        ("internvl3", "vision_config.use_absolute_position_embeddings", False),
        ("internvl3", "vision_config.patch_size", [14, 16]),
        ("internvl3", "text_config.hidden_act", "gelu"),
        ("internvl3", "text_config.use_sliding_window", True),
        ("internvl3", "text_config.rope_parameters", {"rope_type": "longrope"}),
        ("internvl3", "text_config.layer_types", ["full_attention", "sliding_attention"]),
        ("internvl3", "text_config.model_type", "qwen3"),
        ("internvl3", "downsample_ratio", 0.4),
        ("internvl3", "downsample_ratio", 0),
        ("internvl3", "vision_feature_layer", -2),
        ("internvl3", "vision_feature_select_strategy", "full"),
        ("internvl3", "projector_hidden_act", "relu"),
    ],
)
def test_a_setting_that_no_static_module_implements_is_refused(
    family: str, setting: str, value: Any
) -> None:
    with pytest.raises(UserError, match=rf"config\.json has {setting}"):
        get_family(family).read_geometry(changed(family, setting, value))


@pytest.mark.parametrize("left_out", ["vision_config", "text_config"])
@pytest.mark.parametrize("family", ["smolvlm"])
def test_a_part_that_is_left_out_is_its_class(family: str, left_out: str) -> None:
    from transformers import Idefics3Config

    # Seven patches of a side, which this class has by default, fold into one.
    config = changed(family, left_out, None) | {"scale_factor": 7 if "vision" in left_out else 4}
    vision, text = get_family(family).read_geometry(config)
    theirs = Idefics3Config()
    if left_out == "text_config":
        assert text.rms_norm_eps == theirs.text_config.rms_norm_eps
        assert text.hidden_size == theirs.text_config.hidden_size
    else:
        assert vision.hidden_size == theirs.vision_config.hidden_size


def test_of_two_rotary_settings_the_older_counts() -> None:
    """As ``convert_rope_params_to_dict`` of ``transformers`` has it."""
    config = changed("smolvlm", "text_config.rope_scaling", {"rope_type": "default"})
    config["text_config"]["rope_parameters"] = {"rope_type": "default", "rope_theta": 5.0}
    _, text = get_family("smolvlm").read_geometry(config)
    assert text.rope_theta == 100_000.0


def test_an_encoder_without_stated_bias_has_none() -> None:
    config = changed("internvl3", "vision_config", {})
    with pytest.raises(UserError, match=r"vision_config\.attention_bias False, but only True"):
        internvl3.read_geometry(config)
