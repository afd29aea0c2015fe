"""A folder of another exporter is known by the names of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.artifacts.foreign import find_foreign
from harness.errors import UserError
from harness.vocabulary import Mode

UPSTREAM = (
    "vision_encoder_qnn.pte",
    "tok_embedding_qnn.pte",
    "hybrid_llama_qnn.pte",
    "tokenizer.json",
)


def folder_of(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / name).touch()
    return directory


@pytest.mark.parametrize(
    ("embedding", "decoder", "expected"),
    [
        ("tok_embedding_qnn.pte", "kv_llama_qnn.pte", "kv"),
        ("tok_embedding_qnn.pte", "hybrid_llama_qnn.pte", "hybrid"),
        ("tok_embedding_qnn.pte", "lookahead_llama_qnn.pte", "lookahead"),
        ("text_embedding_qnn.pte", "kv_llama_qnn.pte", "kv"),
        ("tok_embedding_xnnpack.pte", "hybrid_llama_xnnpack.pte", "hybrid"),
    ],
)
def test_names_tell_component_and_mode(
    tmp_path: Path, embedding: str, decoder: str, expected: Mode
) -> None:
    encoder = "vision_encoder_qnn.pte"
    others = ("decode_qdq.pt2", "tokenizer_config.json", "attention_sink_evictor.pte")
    files = find_foreign(
        folder_of(tmp_path, encoder, embedding, decoder, "tokenizer.json", *others)
    )
    assert files.mode == expected
    assert {name: path.name for name, path in files.programs.items()} == {
        "vision_encoder": encoder,
        "token_embedding": embedding,
        "text_decoder": decoder,
    }
    assert files.tokenizer == tmp_path / "tokenizer.json"


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (UPSTREAM[0], r"neither manifest.json nor a vision encoder \(such as vision_encoder_qnn"),
        (UPSTREAM[1], r"nor a token embedding \(such as tok_embedding_qnn.pte\)"),
        (UPSTREAM[2], r"nor a text decoder \(such as hybrid_llama_qnn.pte\)"),
        (UPSTREAM[3], r"holds no tokenizer\.json; copy the one"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, sentence: str) -> None:
    folder_of(tmp_path, *(name for name in UPSTREAM if name != missing))
    with pytest.raises(UserError, match=sentence):
        find_foreign(tmp_path)


@pytest.mark.parametrize(
    ("extra", "both"),
    [
        ("kv_llama_qnn.pte", "hybrid_llama_qnn.pte, kv_llama_qnn.pte"),
        ("text_embedding_qnn.pte", "text_embedding_qnn.pte, tok_embedding_qnn.pte"),
        ("vision_encoder_xnnpack.pte", "vision_encoder_qnn.pte, vision_encoder_xnnpack.pte"),
    ],
)
def test_two_files_of_a_kind_are_a_question(tmp_path: Path, extra: str, both: str) -> None:
    with pytest.raises(UserError, match=rf"2 files of a \w+ \w+ \({both}\); leave one"):
        find_foreign(folder_of(tmp_path, *UPSTREAM, extra))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone is no folder"):
        find_foreign(tmp_path / "gone")
