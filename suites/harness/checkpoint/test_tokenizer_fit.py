"""A checkpoint's tokenizer is its family's, and fits its embedding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer as Engine

from harness.checkpoint.checkpoint import open_checkpoint
from harness.checkpoint.statements import check_statements
from harness.errors import UserError
from harness.vlm.registry import get_spec
from suites.harness.checkpoint.conftest import MakeCopy, edit


def renamed(folder: Path, **names: str) -> None:
    path = folder / "tokenizer.json"
    text = path.read_text()
    for old, new in names.items():
        text = text.replace(SPECIAL[old], new)
    path.write_text(text)


SPECIAL = {"image": "<image>", "start": "<fake_token_around_image>", "turn": "<|im_start|>"}


@pytest.mark.parametrize("which", SPECIAL)
def test_a_tokenizer_without_a_special_token_is_refused(copied: MakeCopy, which: str) -> None:
    folder = copied()
    renamed(folder, **{which: "<other>"})
    token = SPECIAL[which].replace("|", r"\|")
    with pytest.raises(UserError, match=rf"tokenizer\.json has no token {token}"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_the_tokenizer_of_another_family_is_refused(copied: MakeCopy) -> None:
    folder = copied("tiny_internvl3")
    with pytest.raises(UserError, match="has no token <image>, <fake_token_around_image>"):
        check_statements(folder, get_spec("tiny_smolvlm"), config={}, image_token_id=None)


def test_a_tokenizer_with_more_tokens_than_rows_is_refused(copied: MakeCopy) -> None:
    folder = copied()
    engine = Engine.from_file(str(folder / "tokenizer.json"))
    engine.add_tokens([f"<more-{number}>" for number in range(2)])
    engine.save(str(folder / "tokenizer.json"))
    with pytest.raises(UserError, match="'<more-1>' as id 513, and the token embedding has 512 ro"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_tokens_that_a_family_publishes_without_a_row_are_taken(copied: MakeCopy) -> None:
    folder = copied("tiny_internvl3")
    engine = Engine.from_file(str(folder / "tokenizer.json"))
    engine.add_special_tokens(["<video>"])
    engine.save(str(folder / "tokenizer.json"))
    number = engine.token_to_id("<video>")
    edit(folder / "added_tokens.json", {"<video>": number})
    assert number == get_spec("tiny_internvl3").text.vocab_size
    assert open_checkpoint(folder, get_spec("tiny_internvl3"))


def test_a_tokenizer_whose_image_token_is_another_id_is_refused(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / "config.json", {"image_token_id": 470})
    with pytest.raises(UserError, match=r"<image> as id 471, and image_token_id .* is 470"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


def test_an_image_token_that_is_left_out_is_that_of_the_class(copied: MakeCopy) -> None:
    folder = copied()
    edit(folder / "config.json", {"image_token_id": ...})
    with pytest.raises(UserError, match="image_token_id of the weights is 128257"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("added_tokens.json", {"<new>": 600}, "'<new>' as id 600"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"3": {"content": "<image>"}}}, "id 3"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"3": {"content": "<new>"}}}, "id 3"),
        ("tokenizer_config.json", {"image_token": "<picture>"}, "image_token '<picture>'"),
        (
            "tokenizer_config.json",
            {"extra_special_tokens": {"image_token": "<picture>"}},
            "image_token '<picture>'",
        ),
    ],
)
def test_files_beside_the_tokenizer_must_agree_with_it(
    copied: MakeCopy, name: str, changes: dict[str, Any], message: str
) -> None:
    folder = copied()
    edit(folder / name, changes)
    with pytest.raises(UserError, match=rf"{name} has .*{message}"):
        open_checkpoint(folder, get_spec("tiny_smolvlm"))
