"""Specs hold the numbers of the contract, and checkpoints' configurations are read right."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.vlm.registry import get_family, get_spec, known_models
from harness.vlm.spec import VlmSpec


def test_smolvlm_500m_has_the_contracts_numbers() -> None:
    """Contract §2.1, §3.2."""
    spec = get_spec("smolvlm_500m")
    text, vision = spec.text, spec.vision
    assert (text.hidden_size, text.intermediate_size, text.layers) == (960, 2560, 32)
    assert (text.heads, text.kv_heads, text.head_dim) == (15, 5, 64)
    assert (text.vocab_size, text.rms_norm_eps, text.rope_theta) == (49280, 1e-5, 100_000)
    assert not text.qkv_bias
    assert (vision.image_size_px, vision.patch_size_px) == (512, 16)
    assert vision.patches_per_side**2 == 1024
    assert vision.shuffle_factor**2 * vision.hidden_size == 12288
    assert vision.tokens_per_image == 64
    assert (spec.hub_id, spec.upstream_name) == (
        "HuggingFaceTB/SmolVLM-500M-Instruct",
        "smolvlm_500m_instruct",
    )


def test_internvl3_1b_has_the_contracts_numbers() -> None:
    """Contract §2.1, §3.2."""
    spec = get_spec("internvl3_1b")
    text, vision = spec.text, spec.vision
    assert (text.hidden_size, text.intermediate_size, text.layers) == (896, 4864, 24)
    assert (text.heads, text.kv_heads, text.head_dim) == (14, 2, 64)
    assert (text.vocab_size, text.rms_norm_eps, text.rope_theta) == (151674, 1e-6, 1_000_000)
    assert text.qkv_bias
    assert (vision.image_size_px, vision.patch_size_px) == (448, 14)
    assert vision.patches_per_side**2 == 1024
    assert vision.shuffle_factor**2 * vision.hidden_size == 4096
    assert vision.tokens_per_image == 256
    assert (spec.hub_id, spec.upstream_name) == ("OpenGVLab/InternVL3-1B-hf", "internvl3_1b")


@pytest.mark.parametrize(
    ("name", "raw_bytes"), [("smolvlm_500m", 3_145_728), ("internvl3_1b", 2_408_448)]
)
def test_raw_images_have_the_contracts_size(name: str, raw_bytes: int) -> None:
    """Contract §3.2: float32 [1, 3, side, side]."""
    assert 4 * 3 * get_spec(name).vision.image_size_px ** 2 == raw_bytes


@pytest.mark.parametrize("spec", known_models().values(), ids=lambda spec: spec.name)
def test_every_model_fits_its_context(spec: VlmSpec) -> None:
    assert spec.vision.image_size_px % spec.vision.patch_size_px == 0
    assert spec.vision.patches_per_side % spec.vision.shuffle_factor == 0
    assert spec.text.heads % spec.text.kv_heads == 0
    assert spec.vision.tokens_per_image + spec.prefill_ar < spec.context_length


@pytest.mark.parametrize("name", ["tiny_smolvlm", "tiny_internvl3"])
def test_a_miniatures_decoder_is_small_enough_for_the_emulator(name: str) -> None:
    """At most 0.4 M weights that a decode step multiplies by, the head included."""
    text = get_spec(name).text
    query, key_value = text.heads * text.head_dim, text.kv_heads * text.head_dim
    attention = text.hidden_size * (2 * query + 2 * key_value)
    layer = attention + 3 * text.hidden_size * text.intermediate_size
    assert text.layers * layer + text.vocab_size * text.hidden_size < 400_000


def smolvlm_config(rope: dict[str, Any]) -> dict[str, Any]:
    """``config.json`` of SmolVLM-500M as far as the geometry goes."""
    return {
        "scale_factor": 4,
        "vision_config": {
            "image_size": 512,
            "patch_size": 16,
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
        },
        "text_config": {
            "hidden_size": 960,
            "intermediate_size": 2560,
            "num_hidden_layers": 32,
            "num_attention_heads": 15,
            "num_key_value_heads": 5,
            "vocab_size": 49280,
            "rms_norm_eps": 1e-5,
            **rope,
        },
    }


def internvl3_config(rope: dict[str, Any]) -> dict[str, Any]:
    """``config.json`` of InternVL3-1B as far as the geometry goes."""
    return {
        "downsample_ratio": 0.5,
        "vision_config": {
            "image_size": [448, 448],
            "patch_size": [14, 14],
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "layer_norm_eps": 1e-6,
            "attention_bias": True,
        },
        "text_config": {
            "hidden_size": 896,
            "intermediate_size": 4864,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "vocab_size": 151674,
            "rms_norm_eps": 1e-6,
            **rope,
        },
    }


CONFIGS = {"smolvlm_500m": smolvlm_config, "internvl3_1b": internvl3_config}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("place", ["transformers 4", "transformers 5", "both"])
def test_a_checkpoints_configuration_gives_the_specs_geometry(name: str, place: str) -> None:
    """The rotary base is at the top in transformers 4 and in ``rope_parameters`` in 5."""
    spec = get_spec(name)
    theta = spec.text.rope_theta
    places: dict[str, dict[str, Any]] = {
        "transformers 4": {"rope_theta": theta},
        "transformers 5": {"rope_parameters": {"rope_theta": theta, "rope_type": "default"}},
        "both": {"rope_theta": theta, "rope_parameters": None},
    }
    config = CONFIGS[name](places[place])
    assert spec.family.read_geometry(config) == (spec.vision, spec.text)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_stated_head_size_wins_over_the_quotient(name: str) -> None:
    spec = get_spec(name)
    config = CONFIGS[name]({"rope_theta": spec.text.rope_theta, "head_dim": 32})
    _, text = spec.family.read_geometry(config)
    assert text == replace(spec.text, head_dim=32)


@pytest.mark.parametrize("family", ["smolvlm", "internvl3"])
def test_transformers_own_configuration_is_understood(family: str) -> None:
    """A configuration that today's ``transformers`` writes gives back what it was made from."""
    from training.saving import model_config
    from training.tokenizer import build_tokenizer

    spec = get_spec(f"tiny_{family}")
    config = model_config(spec, build_tokenizer(spec)).to_dict()
    assert get_family(family).read_geometry(config) == (spec.vision, spec.text)
