"""Samples that ranges of quantized activations are calibrated on. Imports without torch.

The file is upstream's ``--calib_samples`` (contract §6.4): a JSON list of
``{"files": [picture], "messages": [{"role": ..., "content": ...}, ...]}``, where a content is a
text or a list of ``{"type": "image"}`` and ``{"type": "text", "text": ...}`` blocks. Further keys
change nothing.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.picture_source import check_exists, obtain
from harness.vlm.picture import load_image
from harness.vlm.prompt import IMAGE_PLACEHOLDER, as_words, place_images
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Component

_SHAPE = '{"files": [picture], "messages": [{"role": ..., "content": ...}]}'


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


@dataclass(frozen=True)
class CalibrationSet:
    """Samples whose pictures were read once.

    Attributes:
        samples: Their files are paths.
        sha256: Of what is said and of the pictures' bytes, wherever these were found.
    """

    samples: tuple[CalibrationSample, ...]
    sha256: str


_SAMPLES = TypeAdapter(tuple[CalibrationSample, ...])


def read_samples(path: Path) -> tuple[CalibrationSample, ...]:
    """Read a calibration file and find what is wrong with it before anything is downloaded.

    Raises:
        UserError: If the file or a picture is missing, or a sample is malformed; the message has
            the sample's number.
    """
    try:
        samples = _SAMPLES.validate_json(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise UserError(
            f"Calibration file {path} cannot be read ({error.strerror}); check --calibration."
        ) from error
    except ValidationError as error:
        raise UserError(_fault_in_words(path, error)) from error
    for number, sample in enumerate(samples, start=1):
        with naming_sample(number, path):
            _ = sample.prompts
            for file in sample.files:
                check_exists(file, path.parent)
    if not any(sample.files for sample in samples):
        what = "no sample with a picture" if samples else "no sample"
        raise UserError(f"Calibration file {path} holds {what}; give at least one of {_SHAPE}.")
    return samples


def load_calibration(path: Path) -> CalibrationSet:
    """Read a calibration file with its pictures, which are downloaded where they are addresses.

    Relative paths begin at the file's folder.

    Raises:
        UserError: As ``read_samples``, or if a picture cannot be had or read.
    """
    digest = hashlib.sha256()
    loaded = []
    for number, sample in enumerate(read_samples(path), start=1):
        with naming_sample(number, path):
            pictures = [obtain(file, path.parent) for file in sample.files]
            for picture in pictures:
                load_image(picture)
        said = [message.model_dump(mode="json") for message in sample.messages]
        seen = [sha256_of(picture) for picture in pictures]
        digest.update(json.dumps([said, seen]).encode())
        loaded.append(sample.model_copy(update={"files": tuple(map(str, pictures))}))
    return CalibrationSet(tuple(loaded), digest.hexdigest())


@contextmanager
def naming_sample(number: int, path: Path | None = None) -> Iterator[None]:
    """Say in what is wrong with a sample which one it is, counted from 1."""
    try:
        yield
    except UserError as error:
        where = f" of {path}" if path else ""
        raise UserError(f"Calibration sample {number}{where}: {error}") from error


def _fault_in_words(path: Path, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    number, *inside = first["loc"] or ("",)
    # Names of a union's branches are of this module alone.
    place = ".".join(str(word) for word in inside if word not in ("text", "blocks"))
    fault = f"{place}: {first['msg']}" if place else first["msg"]
    where = f"sample {number + 1}, " if isinstance(number, int) else ""
    return (
        f"Calibration file {path} is not as it should be: {where}{fault}; it takes a list of "
        f"{_SHAPE}."
    )


def calibration_sha256(
    calibration: CalibrationSet,
    component: Component,
    spec: VlmSpec,
    tokenizer: Path,
    weights_sha256: Iterable[str],
) -> str:
    """Hash all that reaches a component while it is calibrated.

    An encoder sees preprocessed pictures. A decoder sees text in the runner's prompt strings and
    what the float encoder and the float table make of the samples.

    Args:
        calibration: The samples.
        component: Which one is calibrated.
        spec: Of the checkpoint.
        tokenizer: The checkpoint's ``tokenizer.json``.
        weights_sha256: Of all components.
    """
    words = [calibration.sha256, repr(spec.family.preprocessing)]
    if component == "text_decoder":
        words += [repr(spec.family.prompt), repr(spec.vision), sha256_of(tokenizer)]
        words += weights_sha256
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
