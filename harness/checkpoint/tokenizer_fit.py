"""Whether a tokenizer is that of the weights beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import read_json_object
from harness.errors import UserError, listed
from harness.vlm.spec import VlmFamily
from harness.vlm.tokenizer import Tokenizer

_REMEDY = "give the tokenizer of this checkpoint"
_IMAGE_TOKEN_NAMES = ("image_token", "context_image_token")


def check_tokenizer(
    tokenizer: Tokenizer, family: VlmFamily, vocab_size: int, image_token_id: int | None = None
) -> None:
    """Refuse a tokenizer that runners of a family cannot ask with, or of another vocabulary.

    Args:
        tokenizer: What is there.
        family: Whose prompt strings it has to know.
        vocab_size: Rows of the token embedding.
        image_token_id: What the weights' own files say, None where they do not.

    Raises:
        UserError: If a special token is no single token, an id has no row, or the image token is
            another one.
    """
    check_special_tokens(tokenizer, family)
    known = tokenizer.vocabulary.items()
    largest, token = max(
        (number, token) for token, number in known if token not in family.tokens_without_row
    )
    if largest >= vocab_size:
        raise UserError(
            f"{tokenizer.path} has {token!r} as id {largest}, and the token embedding has "
            f"{vocab_size:,} rows, so it is of another vocabulary; {_REMEDY}."
        )
    found = tokenizer.vocabulary[family.image_token]
    if image_token_id not in (None, found):
        raise UserError(
            f"{tokenizer.path} has {family.image_token} as id {found}, and image_token_id of the "
            f"weights is {image_token_id}, so it is of another vocabulary; {_REMEDY}."
        )


def check_special_tokens(tokenizer: Tokenizer, family: VlmFamily) -> None:
    """Refuse a tokenizer that lacks tokens of a family's prompts or answers.

    Raises:
        UserError: If one is missing, or read as several.
    """
    known = tokenizer.vocabulary
    lacking = [one for one in family.special_tokens if tokenizer.encode(one) != [known.get(one)]]
    if lacking:
        raise UserError(
            f"{tokenizer.path} has no token {listed(lacking)}, which every prompt of {family.name} "
            f"holds; {_REMEDY}."
        )
    tokenizer.stop_ids(family)


def check_tokenizer_config(directory: Path, family: VlmFamily, tokenizer: Tokenizer) -> None:
    """Refuse files beside a ``tokenizer.json`` that say something else than it does.

    ``transformers`` reads them all, runners read it alone.

    Raises:
        UserError: If they add or move a token, or name another image token.
    """
    path = directory / "tokenizer_config.json"
    config = read_json_object(path) or {}
    added = {
        entry["content"]: int(number)
        for number, entry in _entries(config.get("added_tokens_decoder"))
        if isinstance(entry, Mapping)
        and isinstance(entry.get("content"), str)
        and str(number).isdecimal()
    }
    further = read_json_object(directory / "added_tokens.json") or {}
    for where, tokens in ((path, added), (directory / "added_tokens.json", further)):
        for token, number in tokens.items():
            if tokenizer.vocabulary.get(token) != number:
                raise UserError(
                    f"{where} has {token!r} as id {number}, and {tokenizer.path.name} has it as "
                    f"{tokenizer.vocabulary.get(token)}; {_REMEDY}, or save it anew."
                )
    extra = config.get("extra_special_tokens")
    named = {**config, **(extra if isinstance(extra, Mapping) else {})}
    for name in _IMAGE_TOKEN_NAMES:
        token = named.get(name)
        token = token.get("content") if isinstance(token, Mapping) else token
        if token not in (None, family.image_token):
            raise UserError(
                f"{path} has {name} {token!r}, and that of {family.name} is {family.image_token}; "
                "name a checkpoint of the family."
            )


def _entries(section: Any) -> Any:
    return section.items() if isinstance(section, Mapping) else ()
