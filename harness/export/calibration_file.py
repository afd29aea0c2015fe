"""The file of calibration samples: read, its pictures obtained, hashed. Imports without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from harness.artifacts.artifact import sha256_of
from harness.errors import UserError
from harness.export.inputs.calibration import CalibrationSample
from harness.picture_source import check_exists, obtain
from harness.pointer_file import refuse_pointer
from harness.strict_json import MOST_BYTES, parse_json, read_bounded
from harness.vlm.picture import load_image
from harness.vlm.spec import VlmSpec
from harness.vocabulary import Component

_SHAPE = '{"files": [picture], "messages": [{"role": ..., "content": ...}]}'


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


def read_samples(path: Path, *, needs_picture: bool = True) -> tuple[CalibrationSample, ...]:
    """Read a calibration file and find what is wrong with it before anything is downloaded.

    Args:
        path: The file.
        needs_picture: Whether samples of text alone will not do: ranges of activations have to
            hold what an image becomes; weights can be learned without.

    Raises:
        UserError: If the file or a picture is missing, or a sample is malformed; the message has
            the sample's number.
    """
    refuse_pointer(path)
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
        parse_json(text)
        samples = _SAMPLES.validate_json(text)
    except OSError as error:
        raise UserError(
            f"Calibration file {path} cannot be read ({error.strerror}); check --calibration."
        ) from error
    except ValidationError as error:
        raise UserError(_fault_in_words(path, error)) from error
    except ValueError as error:
        raise UserError(
            f"Calibration file {path} is not JSON ({error}); it takes a list of {_SHAPE}."
        ) from error
    for number, sample in enumerate(samples, start=1):
        with naming_sample(number, path):
            _ = sample.prompts
            for file in sample.files:
                check_exists(file, path.parent)
    if not samples or (needs_picture and not any(sample.files for sample in samples)):
        what = "no sample with a picture" if samples else "no sample"
        raise UserError(f"Calibration file {path} holds {what}; give at least one of {_SHAPE}.")
    return samples


def load_calibration(path: Path, *, needs_picture: bool = True) -> CalibrationSet:
    """Read a calibration file with its pictures, which are downloaded where they are addresses.

    Relative paths begin at the file's folder.

    Raises:
        UserError: As ``read_samples``, or if a picture cannot be had or read.
    """
    digest = hashlib.sha256()
    loaded = []
    for number, sample in enumerate(read_samples(path, needs_picture=needs_picture), start=1):
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
