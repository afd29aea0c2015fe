"""Samples that ranges of quantized activations are calibrated on. Imports without torch.

The file is upstream's ``--calib_samples`` (contract §6.4): a JSON list of
``{"files": [picture], "messages": [{"role": ..., "content": ...}, ...]}``, where a content is a
text or a list of ``{"type": "image"}`` and ``{"type": "text", "text": ...}`` blocks. Further keys
change nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from harness.errors import UserError
from harness.vlm.prompt import IMAGE_PLACEHOLDER, as_words, place_images


class Block(BaseModel, frozen=True):
    """A part of a message."""

    type: Literal["image", "text"]
    text: str | None = None

    @model_validator(mode="after")
    def _has_its_text(self) -> Self:
        if self.type == "text" and self.text is None:
            raise ValueError("a block of type text has no text")
        return self


def _kind_of_content(content: Any) -> str:
    return "text" if isinstance(content, str) else "blocks"


Content = Annotated[
    Annotated[str, Tag("text")] | Annotated[tuple[Block, ...], Tag("blocks")],
    Discriminator(_kind_of_content),
]


class Message(BaseModel, frozen=True):
    """One turn's question or answer."""

    role: Literal["system", "user", "assistant"]
    content: Content

    @property
    def text(self) -> str:
        """What it says, with ``<image>`` where a picture stands."""
        if isinstance(self.content, str):
            return self.content
        return "".join(
            IMAGE_PLACEHOLDER if block.text is None else as_words(block.text)
            for block in self.content
        )

    @property
    def shows_pictures(self) -> bool:
        """Whether a block of it is a picture."""
        return not isinstance(self.content, str) and any(
            block.type == "image" for block in self.content
        )


class CalibrationSample(BaseModel, frozen=True):
    """A conversation about some pictures, or about none."""

    files: tuple[str, ...] = ()
    messages: tuple[Message, ...] = Field(min_length=1)

    @property
    def prompts(self) -> tuple[str, ...]:
        """What the user says, a picture's place marked in each.

        Raises:
            UserError: If no user begins, somebody else shows a picture, an answer is empty, or
                the places are not as many as the pictures.
        """
        said = [message for message in self.messages if message.role != "system"]
        if not said or said[0].role != "user":
            raise UserError("no message of a user begins the conversation; put one first.")
        for message in self.messages:
            if message.role != "user" and message.shows_pictures:
                raise UserError(
                    f"a message of role {message.role} shows a picture; put it into a user's."
                )
            if message.role == "assistant" and not message.text:
                raise UserError("a message of role assistant says nothing; leave it out.")
        asked = [message.text for message in said if message.role == "user"]
        return place_images(asked, len(self.files))
