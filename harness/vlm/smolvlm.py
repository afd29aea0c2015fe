"""SmolVLM: SigLIP encoder, linear projector, Llama decoder (``Idefics3`` classes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.vlm.spec import (
    Preprocessing,
    PromptFormat,
    TextGeometry,
    VisionGeometry,
    VlmFamily,
    VlmSpec,
)


def read_geometry(config: Mapping[str, Any]) -> tuple[VisionGeometry, TextGeometry]:
    """Read both geometries from the ``config.json`` of an ``Idefics3`` checkpoint."""
    vision, text = config["vision_config"], config["text_config"]
    heads = text["num_attention_heads"]
    return (
        VisionGeometry(
            image_size_px=vision["image_size"],
            patch_size_px=vision["patch_size"],
            hidden_size=vision["hidden_size"],
            intermediate_size=vision["intermediate_size"],
            layers=vision["num_hidden_layers"],
            heads=vision["num_attention_heads"],
            shuffle_factor=config["scale_factor"],
            layer_norm_eps=vision.get("layer_norm_eps", 1e-6),
        ),
        TextGeometry(
            hidden_size=text["hidden_size"],
            intermediate_size=text["intermediate_size"],
            layers=text["num_hidden_layers"],
            heads=heads,
            kv_heads=text["num_key_value_heads"],
            head_dim=text.get("head_dim") or text["hidden_size"] // heads,
            vocab_size=text["vocab_size"],
            rope_theta=rope_theta(text),
            rms_norm_eps=text["rms_norm_eps"],
            qkv_bias=False,
        ),
    )


def rope_theta(text: Mapping[str, Any]) -> float:
    """Rotary base, which transformers 4 and 5 keep in different places of ``config.json``."""
    nested = text.get("rope_parameters") or {}
    return float(nested["rope_theta"] if "rope_theta" in nested else text["rope_theta"])


FAMILY = VlmFamily(
    name="smolvlm",
    architecture="Idefics3ForConditionalGeneration",
    prompt=PromptFormat(
        image_start="<fake_token_around_image>",
        image_global="<global-img>",
        image_end="<fake_token_around_image>",
        system_prefix="<|start_header_id|>system<|end_header_id|>\n\n",
        system_suffix="<|eot_id|>",
        turn_prefix="<|im_start|>User:",
        turn_suffix="<end_of_utterance>\nAssistant:",
    ),
    preprocessing=Preprocessing(resampling="lanczos", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    image_token="<image>",
    stop_tokens=("<end_of_utterance>", "<|endoftext|>"),
    read_geometry=read_geometry,
)

SMOLVLM_500M = VlmSpec(
    name="smolvlm_500m",
    family=FAMILY,
    upstream_name="smolvlm_500m_instruct",
    hub_id="HuggingFaceTB/SmolVLM-500M-Instruct",
    revision="main",
    vision=VisionGeometry(
        image_size_px=512,
        patch_size_px=16,
        hidden_size=768,
        intermediate_size=3072,
        layers=12,
        heads=12,
        shuffle_factor=4,
        layer_norm_eps=1e-6,
    ),
    text=TextGeometry(
        hidden_size=960,
        intermediate_size=2560,
        layers=32,
        heads=15,
        kv_heads=5,
        head_dim=64,
        vocab_size=49280,
        rope_theta=100_000.0,
        rms_norm_eps=1e-5,
        qkv_bias=False,
    ),
    context_length=1024,
    prefill_ar=16,
)

TINY_SMOLVLM = VlmSpec(
    name="tiny_smolvlm",
    family=FAMILY,
    vision=VisionGeometry(
        image_size_px=64,
        patch_size_px=8,
        hidden_size=128,
        intermediate_size=256,
        layers=3,
        heads=4,
        shuffle_factor=2,
        layer_norm_eps=1e-6,
    ),
    text=TextGeometry(
        hidden_size=96,
        intermediate_size=256,
        layers=3,
        heads=4,
        kv_heads=2,
        head_dim=24,
        vocab_size=512,
        rope_theta=10_000.0,
        rms_norm_eps=1e-5,
        qkv_bias=False,
    ),
    context_length=256,
    prefill_ar=16,
)
