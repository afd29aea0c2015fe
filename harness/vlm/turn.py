"""One turn as a runner reads it: where its images are, what it tokenizes, what it echoes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from harness.errors import UserError
from harness.vlm.prompt import (
    IMAGE_PLACEHOLDER,
    ImagePiece,
    Piece,
    TextPiece,
    count_images,
    expand_images,
    format_turn,
    image_string,
    place_images,
    split_pieces,
    without_images,
)
from harness.vlm.spec import PromptFormat


@dataclass(frozen=True)
class TurnText:
    """A user prompt in the family's chat strings.

    Attributes:
        expanded: The prompt with the family's tokens around each image, as it is logged.
        pieces: What is tokenized and encoded, in order.
        echo: What stands before the answer in the output.
    """

    expanded: str
    pieces: tuple[Piece, ...]
    echo: str


class TurnReading(Protocol):
    """How a runner understands ``<image>``."""

    def count_images(self, prompt: str) -> int:
        """How many images are dealt to a prompt."""

    def place_images(self, prompts: Sequence[str], images: int) -> tuple[str, ...]:
        """Make the number of ``<image>`` match the images (contract §4.2).

        Raises:
            UserError: If placeholders are there but their number is not the number of images.
        """

    def read(self, prompt: str, system_prompt: str, prompt_format: PromptFormat) -> TurnText:
        """Format a turn and cut it at its images (contract §4.1)."""


class OwnReading:
    r"""``\<image>`` is the word in a prompt, and so is ``<image>`` in a system prompt."""

    def count_images(self, prompt: str) -> int:
        """How many images are dealt to a prompt."""
        return count_images(prompt)

    def place_images(self, prompts: Sequence[str], images: int) -> tuple[str, ...]:
        """As ``harness.vlm.prompt.place_images``."""
        return place_images(prompts, images)

    def read(self, prompt: str, system_prompt: str, prompt_format: PromptFormat) -> TurnText:
        """Format a turn and cut it at its images."""
        formatted = format_turn(prompt, system_prompt, prompt_format)
        expanded = expand_images(prompt, prompt_format)
        return TurnText(expanded, split_pieces(formatted), without_images(formatted))


class UpstreamReading:
    r"""Every ``<image>`` is a placeholder, behind a backslash and in a system prompt as well.

    A turn's images take the first ones of its formatted text, those of the system prompt among
    them, and a placeholder that gets none stays text.
    """

    def count_images(self, prompt: str) -> int:
        """How many images are dealt to a prompt."""
        return prompt.count(IMAGE_PLACEHOLDER)

    def place_images(self, prompts: Sequence[str], images: int) -> tuple[str, ...]:
        """Make the number of ``<image>`` match the images."""
        placeholders = sum(map(self.count_images, prompts))
        if placeholders == 0 and prompts:
            return (IMAGE_PLACEHOLDER * images + prompts[0], *prompts[1:])
        if placeholders != images:
            raise UserError(
                f"The prompts hold {placeholders} {IMAGE_PLACEHOLDER} as upstream's runner counts "
                f"them, and {images} images were given; write one per image, or none at all."
            )
        return tuple(prompts)

    def read(self, prompt: str, system_prompt: str, prompt_format: PromptFormat) -> TurnText:
        """Format a turn and cut it at its images."""
        expanded = prompt.replace(IMAGE_PLACEHOLDER, image_string(prompt_format))
        system = prompt_format.system_prefix + system_prompt + prompt_format.system_suffix
        turn = prompt_format.turn_prefix + expanded + prompt_format.turn_suffix
        formatted = system + turn if system_prompt else turn
        texts = formatted.split(IMAGE_PLACEHOLDER, self.count_images(prompt))
        pieces: list[Piece] = []
        for index, text in enumerate(texts):
            if index:
                pieces.append(ImagePiece(index - 1))
            if text:
                pieces.append(TextPiece(text))
        return TurnText(expanded, tuple(pieces), "".join(texts))


def reading(upstream_compat: bool) -> TurnReading:
    """How ``python -m harness.runtime`` reads, with ``--upstream_compat`` or without."""
    return UpstreamReading() if upstream_compat else OwnReading()
