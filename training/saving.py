"""Miniatures as ``transformers`` models and as checkpoint folders like those on the hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tokenizers import Tokenizer
from torch import Tensor
from transformers import (
    AutoModelForImageTextToText,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

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
        "max_position_embeddings": spec.max_positions or spec.context_length,
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


def save_checkpoint(
    weights: Mapping[str, Tensor], spec: VlmSpec, tokenizer: Tokenizer, folder: Path
) -> None:
    """Write weights, configurations and tokenizer files into ``folder``.

    Each file is replaced whole, so a reader never sees half of one.

    Args:
        weights: ``state_dict`` of the trained model, float32.
        spec: What the weights are of.
        tokenizer: What they were trained with.
        folder: Created if missing.
    """
    model = build_model(spec, tokenizer)
    model.load_state_dict(weights)
    save_model(model, spec, tokenizer, folder)


def save_model(
    model: PreTrainedModel,
    spec: VlmSpec,
    tokenizer: Tokenizer,
    folder: Path,
    shard_bytes: int = 2**32,
) -> None:
    """Write a model as the hub lays one out; each file is replaced whole.

    Args:
        model: With its weights, in the dtype that is stored.
        spec: What the weights are of.
        tokenizer: Whose ids they know.
        folder: Created if missing.
        shard_bytes: Size of a weight file from which on there are several, with an index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fresh = Path(mkdtemp(prefix=".saving-", dir=folder))
    model.generation_config = generation_config(spec, tokenizer)
    model.save_pretrained(fresh, max_shard_size=shard_bytes)
    miniature_of(spec.family).image_processor(spec).save_pretrained(fresh)
    _wrap(tokenizer, spec).save_pretrained(fresh)
    tokenizer.save(str(fresh / "tokenizer.json"))
    for file in fresh.iterdir():
        file.chmod(0o644)
        os.replace(file, folder / file.name)
    fresh.rmdir()


def load_model(folder: Path) -> PreTrainedModel:
    """The float32 model of a checkpoint folder, in evaluation mode, without network."""
    model: PreTrainedModel = AutoModelForImageTextToText.from_pretrained(
        folder, dtype="float32", local_files_only=True
    )
    model.train(False)
    return model


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer of a checkpoint folder."""
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def _wrap(tokenizer: Tokenizer, spec: VlmSpec) -> PreTrainedTokenizerFast:
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call] # no hints in transformers
        tokenizer_object=tokenizer,
        eos_token=spec.family.stop_tokens[0],
        pad_token=PADDING_TOKEN,
        additional_special_tokens=[
            token
            for token in miniature_of(spec.family).special_tokens
            if tokenizer.token_to_id(token) is not None
        ],
        model_max_length=spec.max_positions or spec.context_length,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = _chat_template(spec)
    return wrapped


def _chat_template(spec: VlmSpec) -> str:
    prompt = spec.family.prompt
    image = (
        prompt.image_start
        + prompt.image_global
        + spec.family.image_token * spec.vision.tokens_per_image
        + prompt.image_end
    )
    parts = (
        "{% for part in message.content %}"
        f"{{% if part.type == 'image' %}}{{{{ {image!r} }}}}"
        "{% else %}{{ part.text }}{% endif %}{% endfor %}"
    )
    return (
        "{% for message in messages %}"
        f"{{{{ {prompt.turn_prefix!r} }}}}{parts}{{{{ {prompt.turn_suffix!r} }}}}"
        "{% endfor %}"
    )
