"""Image file to normalized pixel values, without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from harness.errors import UserError
from harness.vlm.spec import Preprocessing

_FILTERS = {"lanczos": Image.Resampling.LANCZOS, "bicubic": Image.Resampling.BICUBIC}


def load_image(path: Path) -> Image.Image:
    """Open a picture file upright (EXIF orientation applied).

    Raises:
        UserError: If the file is missing, truncated or not a picture.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return ImageOps.exif_transpose(image)
    except FileNotFoundError as error:
        raise UserError(f"Image {path} does not exist; check --image.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{path} is not a readable picture ({error}); give a JPEG or PNG."
        ) from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB with transparency laid over white, as transformers 5 does.

    Source: ``transformers.image_transforms.convert_to_rgb``.
    """
    if "A" in image.getbands() or image.info.get("transparency") is not None:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def preprocess(
    image: Image.Image, image_size_px: int, preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Turn a picture into the vision encoder's input (contract §3.3).

    The aspect ratio is not preserved and there is no tiling: upstream feeds one square view.

    Args:
        image: Any mode and size.
        image_size_px: Side of the encoder's square input.
        preprocessing: The family's filter and normalization.

    Returns:
        float32 ``[1, 3, image_size_px, image_size_px]``.
    """
    square = to_rgb(image).resize(
        (image_size_px, image_size_px), _FILTERS[preprocessing.resampling]
    )
    unit = np.asarray(square, dtype=np.float32) / np.float32(255)
    mean = np.asarray(preprocessing.mean, dtype=np.float32)
    std = np.asarray(preprocessing.std, dtype=np.float32)
    return np.ascontiguousarray(((unit - mean) / std).transpose(2, 0, 1)[None])
