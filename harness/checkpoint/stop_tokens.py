"""Whether a checkpoint's answers end where its family's runners end them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.checkpoint.generation_settings import GENERATION_FILE
from harness.checkpoint.json_file import read_json_object
from harness.errors import UserError
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer


def check_stop_tokens(
    directory: Path, family: VlmFamily, config: Mapping[str, Any], tokenizer: Tokenizer
) -> None:
    """Refuse a checkpoint that ends answers at other tokens than its family (contract §4.3).

    A runner may stop at more tokens of the family than the checkpoint names, but the checkpoint
    must name the one that ends a turn, or what its family's published ones name in its place.

    Args:
        directory: Folder with what ``transformers`` would read of it, if it has it.
        family: Of the checkpoint.
        config: Parsed ``config.json``, empty where there is none.
        tokenizer: Of the checkpoint.

    Raises:
        UserError: If they differ, or a file is unreadable.
    """
    place, ids = _stated_ids(directory, family, config)
    known = (*family.stop_tokens, *family.idle_stop_tokens)
    tokens = [tokenizer.token_of(token_id) for token_id in ids]
    for token_id, token in zip(ids, tokens, strict=True):
        if token not in known:
            raise _refusal(place, f"eos_token_id {token_id} ({token!r})", family)
    ends_turn = family.stop_tokens[0] in tokens or set(tokens) <= set(family.published_stop_tokens)
    if not ends_turn:
        raise _refusal(place, f"eos_token_id {', '.join(map(str, ids))} ({tokens[0]!r})", family)
    strings = (read_json_object(directory / GENERATION_FILE) or {}).get("stop_strings")
    if strings:
        raise _refusal(directory / GENERATION_FILE, f"stop_strings {strings!r}", family)
    path = directory / "tokenizer_config.json"
    eos = (read_json_object(path) or {}).get("eos_token")
    eos = eos.get("content") if isinstance(eos, Mapping) else eos
    if eos is not None and eos not in known:
        raise _refusal(path, f"eos_token {eos!r}", family)


def _stated_ids(
    directory: Path, family: VlmFamily, config: Mapping[str, Any]
) -> tuple[Path, tuple[Any, ...]]:
    """Where stop tokens are stated, and which: as ``GenerationConfig`` comes about."""
    place = directory / GENERATION_FILE
    generation = read_json_object(place)
    if generation is not None:
        found = generation.get("eos_token_id")
    elif config:
        place = directory / "config.json"
        text = {
            **family.config_defaults.get("text_config", {}),
            **(config.get("text_config") or {}),
        }
        found = config.get("eos_token_id")
        found = text.get("eos_token_id") if found is None else found
    else:
        found = None
    if found is None:
        return place, ()
    return place, tuple(found) if isinstance(found, list) else (found,)


def _refusal(place: Path, stated: str, family: VlmFamily) -> UserError:
    return UserError(
        f"{place} has {stated}, and runners of {family.name} end answers at "
        f"{' or '.join(family.stop_tokens)}; name a checkpoint that was trained so, or correct the "
        "file if it was."
    )
