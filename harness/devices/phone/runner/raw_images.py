"""Pictures as the raw tensors that a runner on a phone reads (contract §5.2)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.runtime.image import load_pixels
from harness.vlm.spec import Preprocessing


class RawImages:
    """Keeps the raw form of pictures in a folder.

    Args:
        folder: Exists, and is removed by whoever made it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def raw(self, source: str, image_size_px: int, preprocessing: Preprocessing) -> Path:
        """Little-endian float32 ``[1, 3, size, size]`` of a picture, preprocessed.

        Args:
            source: As a request names it.
            image_size_px: Side of the vision encoder's square input.
            preprocessing: The family's.

        Raises:
            UserError: If the picture cannot be read.
        """
        content = load_pixels(source, image_size_px, preprocessing).astype("<f4").tobytes()
        path = self._folder / f"{hashlib.sha256(content).hexdigest()[:16]}.raw"
        if not path.exists():
            path.write_bytes(content)
        return path
