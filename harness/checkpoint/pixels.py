"""Whether a checkpoint's pictures become the pixels that its family's runner makes of them.

The runner's host side makes pixels in one way per family (contract §3.3). A checkpoint that was
trained on others would answer worse without a word.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import read_json_object
from harness.errors import UserError
from harness.vlm.spec import Preprocessing, VlmSpec

_PROCESSOR, _IMAGE_PROCESSOR = "processor_config.json", "preprocessor_config.json"

_ALWAYS = ("do_convert_rgb", "do_resize", "do_rescale", "do_normalize")

_FILTER_CODES = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
"""``PIL.Image.Resampling``, as ``resample`` states it."""

_TOKENS_PER_IMAGE = ("image_seq_len", "image_seq_length")


def check_pixels(directory: Path, spec: VlmSpec, config: Mapping[str, Any]) -> None:
    """Refuse a checkpoint whose pixels are others than its family's.

    Args:
        directory: Folder with what ``transformers`` would read of them, if it has it.
        spec: The model, with the geometry of the checkpoint.
        config: Parsed ``config.json``, empty where there is none.

    Raises:
        UserError: If a setting differs, or a file is unreadable.
    """
    processor = read_json_object(directory / _PROCESSOR) or {}
    place, stated = directory / _IMAGE_PROCESSOR, read_json_object(directory / _IMAGE_PROCESSOR)
    # A processor_config.json that holds the image processor counts, as in ``transformers``.
    if "image_processor" in processor:
        place, stated = directory / _PROCESSOR, processor["image_processor"]
    if stated is not None:
        if not isinstance(stated, Mapping):
            raise UserError(f"{place} describes no image processor; download it again.")
        how = spec.family.preprocessing
        said = {name: value for name, value in stated.items() if value is not None}
        settings = {**how.defaults, **said}
        for setting, found, expected in _differences(settings, how, spec.vision.image_size_px):
            raise _refusal(place, setting, found, expected, spec)
    for where, section in (
        (directory / _PROCESSOR, processor),
        (place, stated or {}),
        (directory / "config.json", config),
    ):
        _check_counts(where, section, spec)


def _check_counts(where: Path, section: Mapping[str, Any], spec: VlmSpec) -> None:
    """Compare what decides how many tokens an image becomes."""
    expected = dict.fromkeys(_TOKENS_PER_IMAGE, spec.vision.tokens_per_image)
    expected["patch_size"] = spec.vision.patch_size_px
    for name, count in expected.items():
        found = section.get(name)
        sides = list(found.values()) if isinstance(found, Mapping) else found
        sides = sides if isinstance(sides, list) else [sides]
        if found is not None and (not sides or any(side != count for side in sides)):
            raise _refusal(where, name, found, count, spec)


def _differences(
    settings: Mapping[str, Any], how: Preprocessing, side: int
) -> Iterator[tuple[str, object, object]]:
    """Setting, value in the checkpoint and value of the family, of what differs."""
    for name in _ALWAYS:
        if not settings.get(name, True):
            yield name, settings[name], True
    for name, value in settings.items():
        if name.startswith("do_") and value and name not in (*_ALWAYS, *how.unused_settings):
            yield name, value, False
    resample = settings.get("resample", how.resampling)
    code = _FILTER_CODES.get(resample.lower()) if isinstance(resample, str) else resample
    if code != _FILTER_CODES[how.resampling]:
        yield "resample", resample, f"{_FILTER_CODES[how.resampling]} ({how.resampling})"
    for name, expected in (
        ("rescale_factor", (1 / 255,)),
        ("image_mean", how.mean),
        ("image_std", how.std),
    ):
        found = settings.get(name, expected)
        if not _equal(found, expected):
            yield name, found, list(expected) if len(expected) > 1 else "1/255"
    yield from _other_sizes(settings, how, side)


def _other_sizes(
    settings: Mapping[str, Any], how: Preprocessing, side: int
) -> Iterator[tuple[str, object, object]]:
    known = (*how.side_settings, *how.multiple_settings)
    for outer in dict.fromkeys(name.partition(".")[0] for name in known):
        size = settings.get(outer, {})
        if not isinstance(size, Mapping):
            if size != side:
                yield outer, size, side
            continue
        for inner, value in size.items():
            name = f"{outer}.{inner}"
            is_multiple = name in how.multiple_settings
            fits = isinstance(value, int) and value > 0 and value % side == 0
            if value is None or name in how.unused_settings or (is_multiple and fits):
                continue
            if is_multiple:
                yield name, value, f"a multiple of {side}"
            elif name not in how.side_settings:
                yield name, value, " and ".join(known)
            elif value != side:
                yield name, value, side


def _equal(found: object, expected: tuple[float, ...]) -> bool:
    """Whether numbers are the expected ones; a single one stands for all channels."""
    values = [found] * len(expected) if isinstance(found, int | float) else found
    return (
        isinstance(values, list | tuple)
        and len(values) == len(expected)
        and all(
            isinstance(value, int | float) and math.isclose(value, wanted, abs_tol=1e-6)
            for value, wanted in zip(values, expected, strict=True)
        )
    )


def _refusal(
    place: Path, setting: str, found: object, expected: object, spec: VlmSpec
) -> UserError:
    return UserError(
        f"{place} has {setting} {found!r}, and runners of {spec.family.name} make pixels with "
        f"{expected}; name a checkpoint that was trained so, or correct the file if it was."
    )
