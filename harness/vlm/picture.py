"""A picture file as a person sees it: upright, eight bits a channel, RGB. Imports without torch.

What is taken, and up to which size, is decided here from the file's header, before a pixel is
decoded, and no other program is ever started.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from harness.errors import UserError

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
"""Raster formats alone: Pillow hands others, EPS and WMF, to programs of this machine."""

MAX_FILE_BYTES = 512 << 20
"""Of a file or a download."""

MAX_PIXELS = 256_000_000
"""Decoded at most, which takes 2.5 GB of memory and 10 s of one core."""

MAX_JPEG_PIXELS = 1_024_000_000
"""Of a JPEG, which a decoder can shrink as it reads; not of a progressive one, whose coefficients
lie in memory all at once."""

_MAX_SCANS = 200
"""Of a progressive JPEG: each takes as long as a picture, and a file of 2 MB has room for 100,000.
Encoders write about ten."""

_SHRUNK_ABOVE_PIXELS = 64_000_000
"""A JPEG beyond this is shrunk by its decoder; below it every pixel takes part in resizing."""

_LEAST_SIDE_PX = 2048
"""Of a JPEG that is shrunk: more than twice what any vision encoder takes."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_START_OF_SCAN = b"\xff\xda"
_WHITE_IS_ZERO = 0
_BAND_ROWS = 256


def load_image(path: Path) -> Image.Image:
    """Open a picture file upright (EXIF orientation applied), its depth scaled to eight bits.

    Raises:
        UserError: If the file is missing, truncated, too large, no picture that is taken here, or
            has values that stand for no brightness.
    """
    try:
        with path.open("rb") as file:
            return read_image(file, str(path))
    except FileNotFoundError as error:
        raise UserError(f"Image {path} does not exist; check --image.") from error
    except OSError as error:
        raise UserError(
            f"{path} is not a readable picture ({error.strerror}); check its path."
        ) from error


def read_image(file: IO[bytes], name: str) -> Image.Image:
    """Decode an open picture file, as :func:`load_image` does.

    Args:
        file: At its beginning, able to seek.
        name: For the sentence that says what is wrong with it.

    Raises:
        UserError: As :func:`load_image`.
    """
    try:
        _check_file_size(file, name)
        return _decode(file, name)
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(
            f"{name} is not a readable picture (none of {', '.join(FORMATS)}); give a JPEG or PNG."
        ) from error
    # Decoders meet damage with whatever error comes first: struct.error, IndexError, zlib.error.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(
            f"{name} is not a readable picture ({reason}); give a JPEG or PNG."
        ) from error


def _check_file_size(file: IO[bytes], name: str) -> None:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if size > MAX_FILE_BYTES:
        raise UserError(
            f"{name} has {size >> 20} MiB, and a picture may have {MAX_FILE_BYTES >> 20}; make it "
            "smaller."
        )


def _decode(file: IO[bytes], name: str) -> Image.Image:
    try:
        return _decode_once(file, name)
    except ValueError:
        # Pillow refuses a PNG whose texts unpack to more than a MiB; no pixel depends on them.
        file.seek(0)
        slim = _without_texts(file.read())
        if slim is None:
            raise
        return _decode_once(io.BytesIO(slim), name)


def _decode_once(file: IO[bytes], name: str) -> Image.Image:
    with _own_limits(), Image.open(file, formats=FORMATS) as image:
        _check_size(image, name)
        if _is_progressive(image):
            _check_scans(file, name)
        if isinstance(image, JpegImageFile) and _pixels(image) > _SHRUNK_ABOVE_PIXELS:
            image.draft("RGB", (_LEAST_SIDE_PX, _LEAST_SIDE_PX))
        image.load()
        return to_rgb(_eight_bits(ImageOps.exif_transpose(image), image, name))


@contextmanager
def _own_limits() -> Iterator[None]:
    """Let a file be opened whose size this module judges itself."""
    theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = theirs


def _pixels(image: Image.Image) -> int:
    return image.width * image.height


def _is_progressive(image: Image.Image) -> bool:
    return isinstance(image, JpegImageFile) and "progressive" in image.info


def _check_size(image: Image.Image, name: str) -> None:
    is_shrunk = isinstance(image, JpegImageFile) and not _is_progressive(image)
    most = MAX_JPEG_PIXELS if is_shrunk else MAX_PIXELS
    if _pixels(image) > most:
        kind = f"progressive {image.format}" if _is_progressive(image) else image.format
        raise UserError(
            f"{name} has {image.width} x {image.height} pixels, and a {kind} may have "
            f"{most // 1_000_000} million; make it smaller."
        )


def _check_scans(file: IO[bytes], name: str) -> None:
    """Count what a decoder would have to go through; within pixels the mark cannot occur."""
    here = file.tell()
    file.seek(0)
    scans = file.read().count(_START_OF_SCAN)
    file.seek(here)
    if scans > _MAX_SCANS:
        raise UserError(
            f"{name} is a progressive JPEG of {scans} scans, and {_MAX_SCANS} are taken; save it "
            "anew."
        )


def _eight_bits(upright: Image.Image, opened: Image.Image, name: str) -> Image.Image:
    """Scale grey values of more than eight bits, which Pillow would clip at 255."""
    if opened.mode.startswith("I;16"):
        bits = 16
        inverted = False
        if isinstance(opened, TiffImageFile):
            bits = opened.tag_v2[BITSPERSAMPLE][0]
            inverted = opened.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO
        return _scaled(upright, (1 << bits) - 1, inverted)
    if opened.mode == "I" and opened.format in ("PNG", "PPM"):
        return _scaled(upright, 65535)
    if opened.mode in ("I", "F"):
        raise UserError(
            f"{name} holds numbers that stand for no brightness (Pillow's mode {opened.mode}, "
            f"{opened.format}); save it as a JPEG or PNG."
        )
    return upright


def _scaled(image: Image.Image, white: int, inverted: bool = False) -> Image.Image:
    grey = np.arange(65536, dtype=np.float32) * np.float32(255 / white)
    table = np.rint(255 - grey if inverted else grey).clip(0, 255).astype(np.uint8)
    values = np.asarray(image)
    if values.dtype != np.uint16:
        values = values.clip(0, 65535).astype(np.uint16)
    return Image.fromarray(table[values])


def _without_texts(content: bytes) -> bytes | None:
    """A PNG file without its text chunks; None for what is no PNG, or holds none."""
    if not content.startswith(_PNG_SIGNATURE):
        return None
    kept, at = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if kind not in _PNG_TEXT:
            kept.append(content[at:end])
        at = end
    slim = b"".join(kept)
    return slim if len(slim) < len(content) else None


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB with transparency laid over white, as transformers 5 does.

    Band by band, for each step of it takes as much memory as the picture.

    Source: ``transformers.image_transforms.convert_to_rgb``.
    """
    if "A" not in image.getbands() and image.info.get("transparency") is None:
        return image.convert("RGB")
    rgb = Image.new("RGB", image.size)
    for top in range(0, image.height, _BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height)))
        rgba = band.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        rgb.paste(Image.alpha_composite(white, rgba).convert("RGB"), (0, top))
    return rgb
