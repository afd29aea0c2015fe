"""A picture to normalized pixel values, without torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.vlm.picture import to_rgb
from harness.vlm.spec import Preprocessing

_FILTERS = {"lanczos": Image.Resampling.LANCZOS, "bicubic": Image.Resampling.BICUBIC}


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
