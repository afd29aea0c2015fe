"""A calibration sample as the runner would feed it: text pieces, images, answers.

Imports without torch until rows are embedded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from harness.errors import UserError
from harness.export.inputs.calibration import CalibrationSample
from harness.vlm.picture import load_image
from harness.vlm.preprocess import preprocess
from harness.vlm.prompt import ImagePiece, Piece, answer_text, as_words, format_turn, split_pieces
from harness.vlm.spec import VlmSpec

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Segment:
    """A stretch of a conversation that enters the decoder in one phase.

    Attributes:
        pieces: Token ids of text, None for the rows of the next picture.
        is_answer: Whether the model said it, one token per decode step, or read it as a prompt.
    """

    pieces: tuple[tuple[int, ...] | None, ...]
    is_answer: bool


@dataclass(frozen=True)
class TokenizedSample:
    """One sample, cut and tokenized as the runner does it (contract §4.1 to §4.4).

    Attributes:
        pictures: float32 ``[1, 3, side, side]`` each, in the order of their places.
        segments: Prompts and answers in turn.
    """

    pictures: tuple[NDArray[np.float32], ...]
    segments: tuple[Segment, ...]

    @property
    def token_ids(self) -> tuple[int, ...]:
        """Ids of all text, in order."""
        return tuple(
            token for segment in self.segments for piece in segment.pieces for token in piece or ()
        )


@dataclass(frozen=True)
class EmbeddedSegment:
    """Rows of a segment: float32 ``[length, hidden]``."""

    rows: Tensor
    is_answer: bool


def read_conversation(sample: CalibrationSample, spec: VlmSpec, tokenizer: Path) -> TokenizedSample:
    """Prepare one sample.

    Args:
        sample: Pictures and messages.
        spec: Prompt strings, preprocessing, geometry.
        tokenizer: The checkpoint's ``tokenizer.json``.

    Raises:
        UserError: If a picture is unreadable or the placeholders do not match the pictures.
    """
    side, how = spec.vision.image_size_px, spec.family.preprocessing
    pictures = tuple(preprocess(load_image(Path(file)), side, how) for file in sample.files)
    segments = _tokenize(sample, spec, Tokenizer.from_file(str(tokenizer)))
    return TokenizedSample(pictures, tuple(segments))


def check_length(
    sample: CalibrationSample, spec: VlmSpec, tokenizer: Path, context_length: int
) -> None:
    """Refuse a sample that a decoder has no room or no row for, before anything is loaded.

    Raises:
        UserError: If its tokens and rows of images are more than the context, or the token
            embedding lacks one of its tokens.
    """
    engine = Tokenizer.from_file(str(tokenizer))
    segments = _tokenize(sample, spec, engine)
    pieces = [piece for segment in segments for piece in segment.pieces]
    largest = max((token_id for piece in pieces for token_id in piece or ()), default=0)
    if largest >= spec.text.vocab_size:
        raise UserError(
            f"it holds {engine.id_to_token(largest)!r}, token {largest}, and the token "
            f"embedding has {spec.text.vocab_size:,} rows; leave it out."
        )
    rows = spec.vision.tokens_per_image
    length = sum(rows if piece is None else len(piece) for piece in pieces)
    if length > context_length:
        raise UserError(
            f"it has {length:,} tokens, the context holds {context_length:,}; shorten it or give a "
            "larger --context."
        )


def _tokenize(sample: CalibrationSample, spec: VlmSpec, tokenizer: Tokenizer) -> Iterator[Segment]:
    prompt_format = spec.family.prompt
    system = "".join(one.text for one in sample.messages if one.role == "system")
    prompts = iter(sample.prompts)
    for message in sample.messages:
        if message.role == "user":
            formatted = format_turn(next(prompts), system, prompt_format)
        elif message.role == "assistant":
            formatted = as_words(answer_text(message.text, prompt_format))
        else:
            continue
        pieces = tuple(_encode(piece, tokenizer) for piece in split_pieces(formatted))
        yield Segment(pieces, is_answer=message.role == "assistant")


def embed(
    conversation: TokenizedSample, table: Tensor, image_rows: Sequence[Tensor]
) -> tuple[EmbeddedSegment, ...]:
    """Turn a conversation into decoder input.

    Args:
        conversation: What is said.
        table: Token embedding ``[vocabulary, hidden]``.
        image_rows: What the vision encoder makes of each picture, ``[tokens_per_image, hidden]``.
    """
    import torch

    rows = iter(image_rows)
    return tuple(
        EmbeddedSegment(
            torch.cat(
                [next(rows) if piece is None else table[list(piece)] for piece in segment.pieces]
            ),
            segment.is_answer,
        )
        for segment in conversation.segments
    )


def _encode(piece: Piece, tokenizer: Tokenizer) -> tuple[int, ...] | None:
    """Without what a tokenizer's post-processor adds: the runner ignores it (contract §4.4)."""
    if isinstance(piece, ImagePiece):
        return None
    tokenizer.encode_special_tokens = piece.is_word
    return tuple(tokenizer.encode(piece.text, add_special_tokens=False).ids)
