"""Prompt strings as the runner builds them, and their division into text and image pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UserError
from harness.vlm.spec import PromptFormat

IMAGE_PLACEHOLDER = "<image>"
"""Stands for one image in user prompts and formatted turns of every family (contract §4.1)."""


@dataclass(frozen=True)
class TextPiece:
    """A stretch of a formatted turn that the tokenizer turns into token embeddings."""

    text: str


@dataclass(frozen=True)
class ImagePiece:
    """The place of one image's embedding rows; ``index`` counts the images of the turn."""

    index: int


Piece = TextPiece | ImagePiece


def format_turn(prompt: str, system_prompt: str, prompt_format: PromptFormat) -> str:
    """Wrap one user prompt in the family's chat strings (contract §4.1).

    Args:
        prompt: What the user asks, with one ``<image>`` per image of this turn.
        system_prompt: Repeated in every turn, left out when empty.
        prompt_format: The family's strings.

    Returns:
        The text of the turn; ``<image>`` still stands for the image's rows.
    """
    image = (
        prompt_format.image_start
        + prompt_format.image_global
        + IMAGE_PLACEHOLDER
        + prompt_format.image_end
    )
    system = (
        prompt_format.system_prefix + system_prompt + prompt_format.system_suffix
        if system_prompt
        else ""
    )
    expanded = prompt.replace(IMAGE_PLACEHOLDER, image)
    return system + prompt_format.turn_prefix + expanded + prompt_format.turn_suffix


def answer_text(answer: str, prompt_format: PromptFormat) -> str:
    """An answer as a model writes it behind a turn: after a blank where the turn ends in none."""
    return answer if prompt_format.turn_suffix[-1].isspace() else f" {answer}"


def split_pieces(formatted: str) -> tuple[Piece, ...]:
    """Cut a formatted turn at every ``<image>``; empty text pieces are dropped (contract §4.2)."""
    pieces: list[Piece] = []
    for index, text in enumerate(formatted.split(IMAGE_PLACEHOLDER)):
        if index:
            pieces.append(ImagePiece(index - 1))
        if text:
            pieces.append(TextPiece(text))
    return tuple(pieces)


def place_images(prompts: Sequence[str], images: int) -> tuple[str, ...]:
    """Make the number of ``<image>`` in a conversation's prompts match its images (contract §4.2).

    Prompts without any placeholder get all of them in front of the first prompt.

    Raises:
        UserError: If placeholders are there but their number is not the number of images.
    """
    placeholders = sum(prompt.count(IMAGE_PLACEHOLDER) for prompt in prompts)
    if placeholders == 0 and prompts:
        return (IMAGE_PLACEHOLDER * images + prompts[0], *prompts[1:])
    if placeholders != images:
        raise UserError(
            f"The prompts hold {placeholders} {IMAGE_PLACEHOLDER} but {images} images were given; "
            f"write one {IMAGE_PLACEHOLDER} per image, or none at all."
        )
    return tuple(prompts)
