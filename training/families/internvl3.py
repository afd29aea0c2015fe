"""Miniatures of InternVL3, laid out as the real model: ``InternVL`` classes of ``transformers``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import (
    GotOcr2ImageProcessorPil,
    InternVLConfig,
    InternVLForConditionalGeneration,
    Qwen2Config,
)
from transformers.models.internvl.configuration_internvl import InternVLVisionConfig

from harness.vlm.spec import VlmSpec
from training.miniature import AddedTokens, MiniatureFamily


def _config(spec: VlmSpec, text: Mapping[str, Any], image_token_id: int) -> InternVLConfig:
    vision = spec.vision
    return InternVLConfig(
        architectures=[spec.family.architecture],
        image_token_id=image_token_id,
        image_seq_length=vision.tokens_per_image,
        downsample_ratio=1 / vision.shuffle_factor,
        tie_word_embeddings=False,
        text_config=Qwen2Config(**text, use_sliding_window=False).to_dict(),
        vision_config=InternVLVisionConfig(
            hidden_size=vision.hidden_size,
            intermediate_size=vision.intermediate_size,
            num_hidden_layers=vision.layers,
            num_attention_heads=vision.heads,
            attention_bias=True,
            layer_scale_init_value=1.0,
            image_size=[vision.image_size_px] * 2,
            patch_size=[vision.patch_size_px] * 2,
            layer_norm_eps=vision.layer_norm_eps,
        ).to_dict(),
    )


def _image_processor(spec: VlmSpec) -> GotOcr2ImageProcessorPil:
    side, recipe = spec.vision.image_size_px, spec.family.preprocessing
    return GotOcr2ImageProcessorPil(
        size={"height": side, "width": side},
        crop_to_patches=False,
        image_mean=list(recipe.mean),
        image_std=list(recipe.std),
    )


_ADDED_TOKENS = AddedTokens(
    first=(),
    base_size=151643,
    further=(
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|object_ref_start|>",
        "<|object_ref_end|>",
        "<|box_start|>",
        "<|box_end|>",
        "<|quad_start|>",
        "<|quad_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|vision_pad|>",
        "<|image_pad|>",
        "<|video_pad|>",
        "<tool_call>",
        "</tool_call>",
        "<|fim_prefix|>",
        "<|fim_middle|>",
        "<|fim_suffix|>",
        "<|fim_pad|>",
        "<|repo_name|>",
        "<|file_sep|>",
        "<img>",
        "</img>",
        "<IMG_CONTEXT>",
        "<quad>",
        "</quad>",
        "<ref>",
        "</ref>",
        "<box>",
        "</box>",
    ),
)
"""``added_tokens.json`` of OpenGVLab/InternVL3-1B: ``<IMG_CONTEXT>`` is 151667."""

MINIATURE = MiniatureFamily(
    special_tokens=(
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<img>",
        "</img>",
        "<IMG_CONTEXT>",
        "<quad>",
        "</quad>",
        "<ref>",
        "</ref>",
        "<box>",
        "</box>",
    ),
    model=InternVLForConditionalGeneration,
    config=_config,
    image_processor=_image_processor,
    added_tokens=_ADDED_TOKENS,
)
