"""Ids as the C++ tokenizer makes them, text as joined bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Engine
from tokenizers import models, processors

from harness.errors import UserError
from harness.vlm.registry import get_family
from harness.vlm.tokenizer import MOST_BYTES, TextStream, Tokenizer
from training.tokenizer import token_id

printable = st.text(st.characters(codec="utf-8"), max_size=40)


@given(text=printable)
def test_any_text_survives_encoding_and_decoding(tokenizer: Tokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_special_tokens_are_recognized_and_none_are_added(
    smolvlm_engine: Engine, tmp_path: Path
) -> None:
    engine = Engine.from_str(smolvlm_engine.to_str())
    start = engine.token_to_id("<|im_start|>")
    engine.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", start)]
    )
    engine.enable_truncation(2)
    engine.enable_padding(length=50)
    engine.save(str(tmp_path / "tokenizer.json"))
    ids = Tokenizer(tmp_path / "tokenizer.json").encode("<|im_start|>User:<end_of_utterance>\n")
    assert ids[0] == start
    assert ids.count(start) == 1
    assert engine.token_to_id("<end_of_utterance>") in ids
    assert 3 < len(ids) < 20


def test_the_name_of_a_special_token_can_be_a_word(tokenizer: Tokenizer) -> None:
    (special,) = tokenizer.encode("<image>")
    word = tokenizer.encode("<image>", as_word=True)
    assert special not in word
    assert tokenizer.decode(word) == "<image>"
    assert tokenizer.encode("<image>") == [special]


@given(ids=st.lists(st.integers(0, 511), max_size=30))
def test_a_stream_hands_out_whole_characters_only(tokenizer: Tokenizer, ids: list[int]) -> None:
    stream = TextStream(tokenizer)
    pieces = [stream.push(token_id) for token_id in ids] + [stream.finish()]
    assert "".join(pieces) == tokenizer.decode(ids)


@given(text=st.text(st.characters(min_codepoint=0x80, codec="utf-8"), min_size=1, max_size=10))
def test_a_character_of_several_tokens_appears_once_it_is_complete(
    tokenizer: Tokenizer, text: str
) -> None:
    stream = TextStream(tokenizer)
    pieces = [stream.push(token_id) for token_id in tokenizer.encode(text)]
    assert "".join(pieces) == text
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(pieces).replace(text, "")


def test_special_tokens_decode_to_their_literal_text(
    tokenizer: Tokenizer, smolvlm_engine: Engine
) -> None:
    stop = token_id(smolvlm_engine, "<end_of_utterance>")
    assert tokenizer.token_bytes(stop) == b"<end_of_utterance>"


def test_an_id_beyond_the_vocabulary_decodes_to_nothing(tokenizer: Tokenizer) -> None:
    assert tokenizer.token_bytes(100_000) == b""


def test_stop_ids_are_the_familys_tokens_in_this_vocabulary(
    tokenizer: Tokenizer, smolvlm_engine: Engine
) -> None:
    expected = {smolvlm_engine.token_to_id(t) for t in ("<end_of_utterance>", "<|endoftext|>")}
    assert tokenizer.stop_ids(get_family("smolvlm")) == expected


def test_a_tokenizer_without_any_stop_token_is_refused(
    smolvlm_engine: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(
        smolvlm_engine.to_str()
        .replace("<end_of_utterance>", "<other>")
        .replace("<|endoftext|>", "<another>")
    )
    with pytest.raises(UserError, match="none of the stop tokens <end_of_utterance>"):
        Tokenizer(path).stop_ids(get_family("smolvlm"))


def test_files_that_are_no_byte_level_tokenizer_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(UserError, match="does not exist"):
        Tokenizer(path)
    path.write_text("{")
    with pytest.raises(UserError, match="not a readable tokenizer"):
        Tokenizer(path)
    Engine(models.WordLevel({"a": 0}, unk_token="a")).save(str(path))
    with pytest.raises(UserError, match="no byte-level tokenizer"):
        Tokenizer(path)


def test_a_tokenizer_beyond_all_vocabularies_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.touch()
    os.truncate(path, MOST_BYTES + 1)
    with pytest.raises(UserError, match="256 MiB"):
        Tokenizer(path)
