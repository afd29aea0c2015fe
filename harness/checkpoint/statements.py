"""All that the files of a checkpoint say beside its weights, held against its family.

What differs from what runners do is refused, for no runner could be told of it: upstream's takes
the prompt and the stop tokens from its own source (contract §4.1, §4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.checkpoint.pixels import check_pixels
from harness.checkpoint.prompt import check_prompt
from harness.checkpoint.stop_tokens import check_stop_tokens
from harness.checkpoint.tokenizer_fit import check_tokenizer, check_tokenizer_config
from harness.pointer_file import refuse_pointer
from harness.vlm.spec import VlmSpec
from harness.vlm.tokenizer import Tokenizer

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)
STATEMENT_FILES = (
    *TOKENIZER_FILES,
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
)
"""Small files that say how a model is asked; an artifact carries them and its key holds them."""

_FURTHER_FILES = ("config.json", "tokenizer.model", "vocab.json", "merges.txt")


def check_statements(
    directory: Path,
    spec: VlmSpec,
    *,
    config: Mapping[str, Any],
    image_token_id: int | None,
) -> Tokenizer:
    """Refuse a folder that says of pixels, prompt, stop tokens or tokens what its family does not.

    Args:
        directory: A checkpoint, or what another exporter wrote, with at least a tokenizer.
        spec: The model, with its geometry.
        config: Parsed ``config.json``, empty where there is none.
        image_token_id: As the weights' own files state it; None where they do not.

    Returns:
        The tokenizer of the folder.

    Raises:
        UserError: If anything differs or is unreadable.
    """
    refuse_pointers(directory)
    tokenizer = Tokenizer(directory / "tokenizer.json")
    check_tokenizer(tokenizer, spec.family, spec.text.vocab_size, image_token_id)
    check_tokenizer_config(directory, spec.family, tokenizer)
    check_stop_tokens(directory, spec.family, config, tokenizer)
    check_pixels(directory, spec, config)
    check_prompt(directory, spec.family)
    return tokenizer


def refuse_pointers(directory: Path) -> None:
    """Refuse a folder in which a small file was not fetched.

    Raises:
        UserError: If one is a pointer.
    """
    for name in (*STATEMENT_FILES, *_FURTHER_FILES):
        refuse_pointer(directory / name)
