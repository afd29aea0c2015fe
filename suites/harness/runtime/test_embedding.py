"""Text and pictures of a prompt become rows of the model's embedding."""

from __future__ import annotations

from typing import cast

import pytest

from harness.errors import UserError
from harness.miniatures.committed import checkpoint_path
from harness.runtime.embedding import PromptEmbedding, TokenEmbedder, VisionEncoder
from harness.vlm.prompt import ImagePiece, TextPiece, split_pieces
from harness.vlm.tokenizer import Tokenizer


def test_a_token_without_a_row_is_refused_and_named() -> None:
    tokenizer = Tokenizer(checkpoint_path("tiny_internvl3") / "tokenizer.json")
    last = tokenizer.vocabulary["</box>"]
    embedding = PromptEmbedding(
        tokenizer,
        cast("TokenEmbedder", None),
        cast("VisionEncoder", None),
        vocab_size=last,
    )
    assert ImagePiece(0) in embedding.tokenize(split_pieces("<img><image></img>What is this?"))
    with pytest.raises(UserError, match=rf"holds '</box>', token {last}, and .* has {last} rows"):
        embedding.tokenize([TextPiece("What is <box></box>?")])
