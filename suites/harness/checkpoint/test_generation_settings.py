"""What a checkpoint asks of greedy generation, and no runner does, is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkpoint.generation_settings import SETTINGS, generation_notice
from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path


def notice(folder: Path, settings: dict[str, Any], name: str = "generation_config.json") -> str:
    (folder / name).write_text(json.dumps(settings))
    return generation_notice(folder) or ""


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"repetition_penalty": 1.3}, "asks for repetition_penalty 1.3, which no runner does"),
        ({"suppress_tokens": [1, 2]}, "asks for suppress_tokens (2 items)"),
        ({"bad_words_ids": [[7]]}, "asks for bad_words_ids (1 item)"),
        ({"forced_bos_token_id": 0}, "asks for forced_bos_token_id 0"),
        ({"num_beams": 4, "repetition_penalty": 0.9}, "num_beams 4, repetition_penalty 0.9"),
    ],
)
def test_what_changes_greedy_answers_is_named(
    tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    assert told in notice(tmp_path, settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"repetition_penalty": 1.0, "num_beams": 1, "guidance_scale": 1},
        {"suppress_tokens": [], "bad_words_ids": None, "min_length": 0},
        {"do_sample": True, "temperature": 0.6, "top_k": 20, "top_p": 0.95},
        dict.fromkeys(SETTINGS),
    ],
)
def test_what_changes_nothing_is_not(tmp_path: Path, settings: dict[str, Any]) -> None:
    assert notice(tmp_path, settings) == ""


def test_older_checkpoints_say_it_in_their_config(tmp_path: Path) -> None:
    told = notice(tmp_path, {"no_repeat_ngram_size": 3}, "config.json")
    assert "config.json asks for no_repeat_ngram_size 3" in told
    assert notice(tmp_path, {}) == ""


def test_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "generation_config.json").write_text("{")
    with pytest.raises(UserError, match="is not JSON"):
        generation_notice(tmp_path)


@pytest.mark.parametrize("model", ["tiny_smolvlm", "tiny_internvl3"])
def test_the_miniatures_ask_for_nothing(model: str) -> None:
    assert generation_notice(checkpoint_path(model)) is None
