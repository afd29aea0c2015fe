"""Prompt strings as the runner builds them, and their division into text and image pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import UserError
from harness.vlm.spec import PromptFormat

IMAGE_PLACEHOLDER = "<image>"
"""Stands for one image in user prompts and formatted turns of every family (contract §4.1)."""

IMAGE_WORD = f"\\{IMAGE_PLACEHOLDER}"
"""Stands for the word itself, in a question about it; upstream has no way to ask one."""

_PLACE = re.compile(rf"(?<!\\){IMAGE_PLACEHOLDER}")


@dataclass(frozen=True)
class TextPiece:
    """A stretch of a formatted turn that the tokenizer turns into token embeddings.

    Attributes:
        is_word: Whether it is meant as it is written, though a tokenizer may have a token of that
            name.
    """

    text: str
    is_word: bool = False


@dataclass(frozen=True)
class ImagePiece:
    """The place of one image's embedding rows; ``index`` counts the images of the turn."""

    index: int


Piece = TextPiece | ImagePiece


def format_turn(prompt: str, system_prompt: str, prompt_format: PromptFormat) -> str:
    r"""Wrap one user prompt in the family's chat strings (contract §4.1).

    Args:
        prompt: What the user asks, with one ``<image>`` per image of this turn; ``\<image>`` is
            the word.
        system_prompt: Repeated in every turn, left out when empty. No image has its place there,
            so ``<image>`` is a word in it.
        prompt_format: The family's strings.

    Returns:
        The text of the turn; ``<image>`` still stands for the image's rows, ``\<image>`` for the
        word.
    """
    system = (
        prompt_format.system_prefix + as_words(system_prompt) + prompt_format.system_suffix
        if system_prompt
        else ""
    )
    expanded = expand_images(prompt, prompt_format)
    return system + prompt_format.turn_prefix + expanded + prompt_format.turn_suffix


def expand_images(prompt: str, prompt_format: PromptFormat) -> str:
    """A user prompt with the family's tokens around the place of each image (contract §4.1)."""
    return _PLACE.sub(lambda _: image_string(prompt_format), prompt)


def image_string(prompt_format: PromptFormat) -> str:
    """The place of an image with the family's tokens around it."""
    before = prompt_format.image_start + prompt_format.image_global
    return before + IMAGE_PLACEHOLDER + prompt_format.image_end


def as_words(text: str) -> str:
    """A text in which no ``<image>`` stands for an image."""
    return _PLACE.sub(lambda _: IMAGE_WORD, text)


def count_images(prompt: str) -> int:
    """How many images have their place in a prompt."""
    return len(_PLACE.findall(prompt))


def without_images(formatted: str) -> str:
    """A formatted turn as a runner echoes it: nothing where an image is (contract §5.3)."""
    return _PLACE.sub("", formatted).replace(IMAGE_WORD, IMAGE_PLACEHOLDER)


def answer_text(answer: str, prompt_format: PromptFormat) -> str:
    """An answer as a model writes it behind a turn: after a blank where the turn ends in none."""
    return answer if prompt_format.turn_suffix[-1].isspace() else f" {answer}"


def split_pieces(formatted: str) -> tuple[Piece, ...]:
    """Cut a formatted turn at every ``<image>``; empty text pieces are dropped (contract §4.2)."""
    pieces: list[Piece] = []
    for index, stretch in enumerate(_PLACE.split(formatted)):
        if index:
            pieces.append(ImagePiece(index - 1))
        for number, text in enumerate(stretch.split(IMAGE_WORD)):
            if number:
                pieces.append(TextPiece(IMAGE_PLACEHOLDER, is_word=True))
            if text:
                pieces.append(TextPiece(text))
    return tuple(pieces)


def check_words(text: str, subject: str) -> None:
    """Refuse a text that no command line carries whole.

    Args:
        text: Of a user.
        subject: What it is, for a sentence.

    Raises:
        UserError: If it holds a NUL, which ends a word, or is no UTF-8.
    """
    if (place := text.find("\0")) >= 0:
        raise UserError(
            f"{subject} has a NUL as character {place + 1}, which ends a word of a command line; "
            "leave it out."
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UserError(
            f"{subject} is not UTF-8 at character {error.start + 1} ({text[error.start]!a}); check "
            "the terminal's encoding, or how the text was read."
        ) from error


def turn_tokens(
    formatted: str, encode: Callable[[str], Sequence[int]], tokens_per_image: int
) -> int:
    """Rows that a formatted turn adds to the decoder's input (contract §4.4)."""
    return sum(
        tokens_per_image if isinstance(piece, ImagePiece) else len(encode(piece.text))
        for piece in split_pieces(formatted)
    )


def place_images(prompts: Sequence[str], images: int) -> tuple[str, ...]:
    """Make the number of ``<image>`` in a conversation's prompts match its images (contract §4.2).

    Prompts without any placeholder get all of them in front of the first prompt.

    Raises:
        UserError: If placeholders are there but their number is not the number of images.
    """
    placeholders = sum(map(count_images, prompts))
    if placeholders == 0 and prompts:
        return (IMAGE_PLACEHOLDER * images + prompts[0], *prompts[1:])
    if placeholders != images:
        raise UserError(
            f"The prompts hold {placeholders} {IMAGE_PLACEHOLDER} but {images} images were given; "
            f"write one {IMAGE_PLACEHOLDER} per image, or none at all; {IMAGE_WORD} is the word."
        )
    return tuple(prompts)
