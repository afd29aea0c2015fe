"""Toy LLaVA's classes of ``transformers``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import (
    CLIPImageProcessorPil,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    SiglipVisionConfig,
)

from harness.vlm.spec import VlmSpec
from training.miniature import MiniatureFamily


def _config(spec: VlmSpec, text: Mapping[str, Any], image_token_id: int) -> LlavaConfig:
    vision = spec.vision
    return LlavaConfig(
        architectures=[spec.family.architecture],
        image_token_index=image_token_id,
        image_seq_length=vision.tokens_per_image,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        tie_word_embeddings=False,
        text_config=LlamaConfig(**text).to_dict(),
        vision_config=SiglipVisionConfig(
            hidden_size=vision.hidden_size,
            intermediate_size=vision.intermediate_size,
            num_hidden_layers=vision.layers,
            num_attention_heads=vision.heads,
            image_size=vision.image_size_px,
            patch_size=vision.patch_size_px,
            layer_norm_eps=vision.layer_norm_eps,
            vision_use_head=False,
        ).to_dict(),
    )


def _image_processor(spec: VlmSpec) -> CLIPImageProcessorPil:
    side, recipe = spec.vision.image_size_px, spec.family.preprocessing
    return CLIPImageProcessorPil(
        size={"height": side, "width": side},
        do_center_crop=False,
        image_mean=list(recipe.mean),
        image_std=list(recipe.std),
    )


MINIATURE = MiniatureFamily(
    special_tokens=("<|endoftext|>", "</s>", "<image>"),
    model=LlavaForConditionalGeneration,
    config=_config,
    image_processor=_image_processor,
)
