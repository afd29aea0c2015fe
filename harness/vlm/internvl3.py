"""InternVL3: InternViT encoder, MLP projector, Qwen2 decoder (``InternVL`` classes)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.vlm.smolvlm import rope_theta
from harness.vlm.spec import (
    Preprocessing,
    PromptFormat,
    TextGeometry,
    VisionGeometry,
    VlmFamily,
    VlmSpec,
)


def read_geometry(config: Mapping[str, Any]) -> tuple[VisionGeometry, TextGeometry]:
    """Read both geometries from the ``config.json`` of an ``InternVL`` checkpoint."""
    vision, text = config["vision_config"], config["text_config"]
    heads = text["num_attention_heads"]
    return (
        VisionGeometry(
            image_size_px=vision["image_size"][0],
            patch_size_px=vision["patch_size"][0],
            hidden_size=vision["hidden_size"],
            intermediate_size=vision["intermediate_size"],
            layers=vision["num_hidden_layers"],
            heads=vision["num_attention_heads"],
            shuffle_factor=round(1 / config["downsample_ratio"]),
            layer_norm_eps=vision["layer_norm_eps"],
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
            qkv_bias=True,
        ),
    )


FAMILY = VlmFamily(
    name="internvl3",
    architecture="InternVLForConditionalGeneration",
    prompt=PromptFormat(
        image_start="<img>",
        image_global="",
        image_end="</img>",
        system_prefix="<|im_start|>system<|im_end|>\n\n",
        system_suffix="<|im_end|>",
        turn_prefix="<|im_start|>user:\n",
        turn_suffix="<|im_end|>assistant\n",
    ),
    preprocessing=Preprocessing(
        resampling="bicubic", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    ),
    image_token="<IMG_CONTEXT>",
    stop_tokens=("<|im_end|>", "<|endoftext|>"),
    read_geometry=read_geometry,
)

INTERNVL3_1B = VlmSpec(
    name="internvl3_1b",
    family=FAMILY,
    upstream_name="internvl3_1b",
    hub_id="OpenGVLab/InternVL3-1B-hf",
    revision="main",
    vision=VisionGeometry(
        image_size_px=448,
        patch_size_px=14,
        hidden_size=1024,
        intermediate_size=4096,
        layers=24,
        heads=16,
        shuffle_factor=2,
        layer_norm_eps=1e-6,
    ),
    text=TextGeometry(
        hidden_size=896,
        intermediate_size=4864,
        layers=24,
        heads=14,
        kv_heads=2,
        head_dim=64,
        vocab_size=151674,
        rope_theta=1_000_000.0,
        rms_norm_eps=1e-6,
        qkv_bias=True,
    ),
    context_length=1024,
    prefill_ar=32,
)

TINY_INTERNVL3 = VlmSpec(
    name="tiny_internvl3",
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
        heads=6,
        kv_heads=3,
        head_dim=16,
        vocab_size=512,
        rope_theta=10_000.0,
        rms_norm_eps=1e-6,
        qkv_bias=True,
    ),
    context_length=256,
    prefill_ar=32,
)
