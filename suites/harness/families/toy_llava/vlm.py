"""Toy LLaVA: SigLIP encoder, no pixel shuffle, two-layer projector, Llama decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.vlm.hub_config import text_geometry, vision_geometry
from harness.vlm.spec import (
    Preprocessing,
    PromptFormat,
    TextGeometry,
    VisionGeometry,
    VlmFamily,
    VlmSpec,
)


def read_geometry(config: Mapping[str, Any]) -> tuple[VisionGeometry, TextGeometry]:
    """Read both geometries from the ``config.json`` of a ``Llava`` checkpoint."""
    vision = vision_geometry(config["vision_config"], shuffle_factor=1)
    return vision, text_geometry(config["text_config"], qkv_bias=False)


FAMILY = VlmFamily(
    name="toy_llava",
    architecture="LlavaForConditionalGeneration",
    prompt=PromptFormat(
        image_start="",
        image_global="",
        image_end="\n",
        system_prefix="",
        system_suffix="\n",
        turn_prefix="USER: ",
        turn_suffix=" ASSISTANT:",
    ),
    preprocessing=Preprocessing(resampling="bicubic", mean=(0.4, 0.5, 0.6), std=(0.3, 0.3, 0.2)),
    image_token="<image>",
    stop_tokens=("</s>",),
    has_image_axis=False,
    read_geometry=read_geometry,
    key_layout={
        "vision_encoder": ((r"^(?:model\.)?(vision_tower\.|multi_modal_projector\.)", r"\1"),),
        "token_embedding": (
            (r"^(?:model\.)?language_model\.(?:model\.)?embed_tokens\.", "embedding."),
        ),
        "text_decoder": (
            (r"^(?:model\.)?language_model\.(?:model\.)?(layers\.|norm\.)", r"\1"),
            (r"^(?:language_model\.)?lm_head\.", "lm_head."),
        ),
    },
    encoder="toy_llava.encoder:ToyEncoder",
    miniature="toy_llava.miniature:MINIATURE",
)

TOY = VlmSpec(
    name="llava_of_two_layers",
    family=FAMILY,
    vision=VisionGeometry(
        image_size_px=40,
        patch_size_px=10,
        hidden_size=32,
        intermediate_size=64,
        layers=2,
        heads=2,
        shuffle_factor=1,
        layer_norm_eps=1e-6,
    ),
    text=TextGeometry(
        hidden_size=64,
        intermediate_size=128,
        layers=2,
        heads=4,
        kv_heads=2,
        head_dim=16,
        vocab_size=400,
        rope_theta=5_000.0,
        rms_norm_eps=1e-5,
        qkv_bias=False,
    ),
    context_length=224,
    prefill_ar=8,
)

MODELS = (TOY,)
