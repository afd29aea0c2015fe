"""Pictures and raw tensors to pixel values. Imports without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UserError
from harness.picture_source import obtain
from harness.vlm.picture import load_image
from harness.vlm.preprocess import preprocess
from harness.vlm.spec import Preprocessing


def load_pixels(
    source: str, image_size_px: int, preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Read one image for the vision encoder.

    Args:
        source: A picture as ``picture_source.obtain`` takes it, or path of a ``.raw`` file of pixel
            values (contract §5.2).
        image_size_px: Side of the encoder's square input.
        preprocessing: The family's filter and normalization, for pictures.

    Returns:
        float32 ``[1, 3, image_size_px, image_size_px]``.

    Raises:
        UserError: If the image is missing, unreadable, of the wrong size or not the pinned one.
    """
    path = obtain(source)
    if path.suffix == ".raw":
        return _read_raw(path, image_size_px)
    return preprocess(load_image(path), image_size_px, preprocessing)


def _read_raw(path: Path, image_size_px: int) -> NDArray[np.float32]:
    shape = (1, 3, image_size_px, image_size_px)
    expected = 4 * int(np.prod(shape))
    try:
        size = path.stat().st_size
        # Not all of a file that nobody takes: it may be of any size.
        content = path.read_bytes() if size == expected else b""
    except OSError as error:
        raise UserError(
            f"Image {path} cannot be read ({error.strerror}); check its path."
        ) from error
    if len(content) != expected:
        raise UserError(
            f"{path} has {size:,} bytes, but the vision encoder takes float32 "
            f"{list(shape)}, which is {expected:,}; give a raw file of this model or a picture."
        )
    pixels = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32, copy=False)
    broken = np.flatnonzero(~np.isfinite(pixels))
    if broken.size:
        raise UserError(
            f"{path} holds {broken.size} values that are no number (the first, {broken[0]}, is "
            f"{pixels.flat[broken[0]]}); write the raw file again."
        )
    return pixels
