"""``transformers`` configurations of the miniatures, laid out as those of the real models."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer
from transformers import (
    GenerationConfig,
    GotOcr2ImageProcessorPil,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessorPil,
    InternVLConfig,
    InternVLForConditionalGeneration,
    LlamaConfig,
    Qwen2Config,
)
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig
from transformers.models.internvl.configuration_internvl import InternVLVisionConfig

from harness.vlm.spec import VlmSpec
from training.tokenizer import token_id

PADDING_TOKEN = "<|endoftext|>"

VlmConfig = Idefics3Config | InternVLConfig
VlmModel = Idefics3ForConditionalGeneration | InternVLForConditionalGeneration


def model_config(spec: VlmSpec, tokenizer: Tokenizer) -> VlmConfig:
    """Configuration with the geometry of ``spec`` and the token ids of ``tokenizer``."""
    image_token_id = token_id(tokenizer, spec.family.image_token)
    text = _text_options(spec, tokenizer)
    vision, side = spec.vision, spec.vision.image_size_px
    if spec.family.architecture == "Idefics3ForConditionalGeneration":
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
                image_size=side,
                patch_size=vision.patch_size_px,
                layer_norm_eps=vision.layer_norm_eps,
            ).to_dict(),
        )
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
            image_size=[side, side],
            patch_size=[vision.patch_size_px, vision.patch_size_px],
            layer_norm_eps=vision.layer_norm_eps,
        ).to_dict(),
    )


def _text_options(spec: VlmSpec, tokenizer: Tokenizer) -> dict[str, Any]:
    text = spec.text
    return {
        "hidden_size": text.hidden_size,
        "intermediate_size": text.intermediate_size,
        "num_hidden_layers": text.layers,
        "num_attention_heads": text.heads,
        "num_key_value_heads": text.kv_heads,
        "head_dim": text.head_dim,
        "vocab_size": text.vocab_size,
        "rope_theta": text.rope_theta,
        "rms_norm_eps": text.rms_norm_eps,
        "max_position_embeddings": spec.context_length,
        "tie_word_embeddings": False,
        "bos_token_id": None,
        "eos_token_id": token_id(tokenizer, spec.family.stop_tokens[0]),
        "pad_token_id": token_id(tokenizer, PADDING_TOKEN),
    }


def build_model(config: VlmConfig) -> VlmModel:
    """A freshly initialized float32 model of ``config``; draws from torch's global generator."""
    if isinstance(config, Idefics3Config):
        return Idefics3ForConditionalGeneration(config)
    return InternVLForConditionalGeneration(config)


def generation_config(spec: VlmSpec, tokenizer: Tokenizer) -> GenerationConfig:
    """Greedy generation that ends at any stop token of the family."""
    return GenerationConfig(  # type: ignore[no-untyped-call] # no hints in transformers
        do_sample=False,
        eos_token_id=[token_id(tokenizer, token) for token in spec.family.stop_tokens],
        pad_token_id=token_id(tokenizer, PADDING_TOKEN),
    )


def image_processor(spec: VlmSpec) -> Idefics3ImageProcessorPil | GotOcr2ImageProcessorPil:
    """The family's image processor for one square view without tiles."""
    side, recipe = spec.vision.image_size_px, spec.family.preprocessing
    if spec.family.architecture == "Idefics3ForConditionalGeneration":
        return Idefics3ImageProcessorPil(
            size={"longest_edge": side},
            max_image_size={"longest_edge": side},
            do_image_splitting=False,
            image_mean=list(recipe.mean),
            image_std=list(recipe.std),
        )
    return GotOcr2ImageProcessorPil(
        size={"height": side, "width": side},
        crop_to_patches=False,
        image_mean=list(recipe.mean),
        image_std=list(recipe.std),
    )
