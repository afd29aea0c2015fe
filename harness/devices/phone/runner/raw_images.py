"""Pictures as the raw tensors that a runner on a phone reads (contract §5.2)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.runtime.image import load_pixels
from harness.vlm.spec import Preprocessing


def write_raw_image(
    folder: Path, source: str, image_size_px: int, preprocessing: Preprocessing
) -> Path:
    """Write little-endian float32 ``[1, 3, size, size]`` of a picture, preprocessed.

    Args:
        folder: Folder to write to; a picture that is there already is not written again.
        source: Picture, as a request names it.
        image_size_px: Side of the vision encoder's square input.
        preprocessing: Preprocessing of the family.

    Raises:
        UserError: If the picture cannot be read.
    """
    content = load_pixels(source, image_size_px, preprocessing).astype("<f4").tobytes()
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.raw"
    if not path.exists():
        path.write_bytes(content)
    return path
