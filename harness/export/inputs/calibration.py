"""Samples that ranges of quantized activations are calibrated on. Imports without torch.

The file is upstream's ``--calib_samples`` (contract §6.4): a JSON list of
``{"files": [picture], "messages": [{"role": ..., "content": ...}, ...]}``, where a content is a
text or a list of ``{"type": "image"}`` and ``{"type": "text", "text": ...}`` blocks.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Component


class Block(BaseModel, frozen=True, extra="forbid"):
    """A part of a message."""

    type: Literal["image", "text"]
    text: str = ""


class Message(BaseModel, frozen=True, extra="forbid"):
    """One turn's question or answer."""

    role: Literal["system", "user", "assistant"]
    content: str | tuple[Block, ...]


class CalibrationSample(BaseModel, frozen=True, extra="forbid"):
    """One picture with a conversation about it.

    Encoder and decoder are calibrated on the same sample, hence exactly one picture.
    """

    files: tuple[str, ...] = Field(min_length=1, max_length=1)
    messages: tuple[Message, ...] = Field(min_length=1)


@dataclass(frozen=True)
class CalibrationSet:
    """Samples whose pictures exist; paths are resolved against the file's folder."""

    samples: tuple[CalibrationSample, ...]
    sha256: str


_SAMPLES = TypeAdapter(tuple[CalibrationSample, ...])


def load_calibration(path: Path) -> CalibrationSet:
    """Read a calibration file and hash it together with its pictures.

    Raises:
        UserError: If the file or a picture is missing, or a sample is malformed.
    """
    try:
        content = path.read_bytes()
        samples = _SAMPLES.validate_json(content.removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise UserError(
            f"Calibration file {path} cannot be read ({error.strerror}); check --calibration."
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(
            f"Calibration file {path} is not as it should be at {place}: {first['msg']}; it takes "
            'a list of {"files": [picture], "messages": [{"role", "content"}]}.'
        ) from error
    if not samples:
        raise UserError(f"Calibration file {path} holds no sample; give at least one.")
    resolved = [_resolve(path.parent, sample, path) for sample in samples]
    digest = hashlib.sha256(content)
    for sample in resolved:
        digest.update(hashlib.sha256(Path(sample.files[0]).read_bytes()).digest())
    return CalibrationSet(tuple(resolved), digest.hexdigest())


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


def _resolve(folder: Path, sample: CalibrationSample, source: Path) -> CalibrationSample:
    picture = folder / sample.files[0]
    if not picture.is_file():
        raise UserError(f"Calibration file {source} names {picture}, which does not exist.")
    return sample.model_copy(update={"files": (str(picture),)})
