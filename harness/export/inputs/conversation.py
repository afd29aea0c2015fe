"""A calibration sample as the runner would feed it: text pieces, images, answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor

from harness.errors import UserError
from harness.export.inputs.calibration import CalibrationSample, Message
from harness.vlm.picture import load_image
from harness.vlm.preprocess import preprocess
from harness.vlm.prompt import (
    IMAGE_PLACEHOLDER,
    ImagePiece,
    TextPiece,
    answer_text,
    as_words,
    format_turn,
    place_images,
    split_pieces,
)
from harness.vlm.spec import VlmSpec


@dataclass(frozen=True)
class Segment:
    """A stretch of a conversation that enters the decoder in one phase.

    Attributes:
        pieces: Token ids of text, None for the picture's rows.
        is_answer: Whether the model said it, one token per decode step, or read it as a prompt.
    """

    pieces: tuple[tuple[int, ...] | None, ...]
    is_answer: bool


@dataclass(frozen=True)
class TokenizedSample:
    """One sample, cut and tokenized as the runner does it (contract §4.1 to §4.4).

    Attributes:
        pixel_values: float32 ``[1, 3, side, side]``.
        segments: Prompts and answers in turn.
    """

    pixel_values: NDArray[np.float32]
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
        sample: Picture and messages.
        spec: Prompt strings, preprocessing, geometry.
        tokenizer: The checkpoint's ``tokenizer.json``.

    Raises:
        UserError: If the picture is unreadable or the placeholders do not match it.
    """
    encoder = Tokenizer.from_file(str(tokenizer))
    prompt_format = spec.family.prompt
    system = "".join(_text(one) for one in sample.messages if one.role == "system")
    asked = [_text(one) for one in sample.messages if one.role == "user"]
    prompts = iter(place_images(asked, len(sample.files)))
    segments = []
    for message in sample.messages:
        if message.role == "user":
            formatted = format_turn(next(prompts), system, prompt_format)
            pieces = tuple(_encode(piece, encoder) for piece in split_pieces(formatted))
            segments.append(Segment(pieces, is_answer=False))
        elif message.role == "assistant":
            answer = TextPiece(answer_text(_text(message), prompt_format))
            segments.append(Segment((_encode(answer, encoder),), is_answer=True))
    image = load_image(Path(sample.files[0]))
    pixels = preprocess(image, spec.vision.image_size_px, spec.family.preprocessing)
    return TokenizedSample(pixels, tuple(segments))


def embed(
    conversation: TokenizedSample, table: Tensor, image_rows: Tensor, context_length: int
) -> tuple[EmbeddedSegment, ...]:
    """Turn a conversation into decoder input.

    Args:
        conversation: What is said.
        table: Token embedding ``[vocabulary, hidden]``.
        image_rows: What the vision encoder makes of the picture, ``[tokens_per_image, hidden]``.
        context_length: Of the decoder.

    Raises:
        UserError: If the conversation does not fit the context.
    """
    segments = tuple(
        EmbeddedSegment(
            torch.cat(
                [image_rows if piece is None else table[list(piece)] for piece in segment.pieces]
            ),
            segment.is_answer,
        )
        for segment in conversation.segments
    )
    length = sum(len(segment.rows) for segment in segments)
    if length > context_length:
        raise UserError(
            f"A calibration sample has {length} tokens, the context holds {context_length}; "
            "shorten it or give a larger --context."
        )
    return segments


def _text(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(
        IMAGE_PLACEHOLDER if block.type == "image" else as_words(block.text)
        for block in message.content
    )


def _encode(piece: TextPiece | ImagePiece, tokenizer: Tokenizer) -> tuple[int, ...] | None:
    """Without what a tokenizer's post-processor adds: the runner ignores it (contract §4.4)."""
    if isinstance(piece, ImagePiece):
        return None
    return tuple(tokenizer.encode(piece.text, add_special_tokens=False).ids)
