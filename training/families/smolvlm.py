"""Miniatures of SmolVLM, laid out as the real model: ``Idefics3`` classes of ``transformers``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    LlamaConfig,
)
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

from harness.vlm.spec import VlmSpec
from training.miniature import AddedTokens, MiniatureFamily


def _config(spec: VlmSpec, text: Mapping[str, Any], image_token_id: int) -> Idefics3Config:
    vision = spec.vision
    return Idefics3Config(
        architectures=[spec.family.architecture],
        image_token_id=image_token_id,
        scale_factor=vision.shuffle_factor,
        tie_word_embeddings=False,
        text_config=LlamaConfig(**text).to_dict(),
        vision_config=Idefics3VisionConfig(
            hidden_size=vision.hidden_size,
            intermediate_size=vision.intermediate_size,
            num_hidden_layers=vision.layers,
            num_attention_heads=vision.heads,
            image_size=vision.image_size_px,
            patch_size=vision.patch_size_px,
            layer_norm_eps=vision.layer_norm_eps,
        ).to_dict(),
    )


def _image_processor(spec: VlmSpec) -> Idefics3ImageProcessorPil:
    side, recipe = spec.vision.image_size_px, spec.family.preprocessing
    return Idefics3ImageProcessorPil(
        size={"longest_edge": side},
        max_image_size={"longest_edge": side},
        do_image_splitting=False,
        image_mean=list(recipe.mean),
        image_std=list(recipe.std),
    )


_ADDED_TOKENS = AddedTokens(
    first=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    base_size=49152,
    further=(
        "<global-img>",
        *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
        "<fake_token_around_image>",
        "<image>",
    ),
    last=("<end_of_utterance>",),
)
"""``added_tokens.json`` of HuggingFaceTB/SmolVLM-256M-Instruct: ``<image>`` is 49190."""

MINIATURE = MiniatureFamily(
    special_tokens=(
        "<|endoftext|>",
        "<|im_start|>",
        "<|im_end|>",
        "<end_of_utterance>",
        "<fake_token_around_image>",
        "<image>",
        "<global-img>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
        *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
    ),
    model=Idefics3ForConditionalGeneration,
    config=_config,
    image_processor=_image_processor,
    added_tokens=_ADDED_TOKENS,
)
