"""``transformers`` models of the miniatures, configured as the real ones are."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer
from transformers import GenerationConfig, PreTrainedConfig, PreTrainedModel

from harness.vlm.spec import VlmSpec
from training.miniature import miniature_of
from training.tokenizer import token_id

PADDING_TOKEN = "<|endoftext|>"


def model_config(spec: VlmSpec, tokenizer: Tokenizer) -> PreTrainedConfig:
    """Configuration with the geometry of ``spec`` and the token ids of ``tokenizer``."""
    image_token_id = token_id(tokenizer, spec.family.image_token)
    return miniature_of(spec.family).config(spec, _text_options(spec, tokenizer), image_token_id)


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


def build_model(spec: VlmSpec, tokenizer: Tokenizer) -> PreTrainedModel:
    """A freshly initialized float32 model; draws from torch's global generator."""
    return miniature_of(spec.family).model(model_config(spec, tokenizer))


def generation_config(spec: VlmSpec, tokenizer: Tokenizer) -> GenerationConfig:
    """Greedy generation that ends at any stop token of the family."""
    return GenerationConfig(  # type: ignore[no-untyped-call] # no hints in transformers
        do_sample=False,
        eos_token_id=[token_id(tokenizer, token) for token in spec.family.stop_tokens],
        pad_token_id=token_id(tokenizer, PADDING_TOKEN),
    )
