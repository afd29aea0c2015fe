"""Pictures as part of the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

MAX_BYTES = 6_000_000
"""More would make the file too large to mail; the others stay in the run's folder."""


class Picture(NamedTuple):
    """A thumbnail as an address that holds all of it."""

    width: int
    height: int
    uri: str


def embed_pictures(
    folder: Path, names: Iterable[str], max_bytes: int = MAX_BYTES
) -> dict[str, Picture]:
    """Thumbnails by name, the first ones first; one whose file is missing or damaged is left out.

    Args:
        folder: Of the thumbnails.
        names: Most important first.
        max_bytes: Of all addresses together.
    """
    pictures: dict[str, Picture] = {}
    room = max_bytes
    for name in names:
        picture = _picture(folder, name, max_bytes)
        if picture is None:
            continue
        room -= len(picture.uri)
        if room < 0:
            break
        pictures[name] = picture
    return pictures


def _picture(folder: Path, name: str, max_bytes: int) -> Picture | None:
    """One of them; None where a row names no file of the folder, or one that is no thumbnail."""
    path = folder / name
    if path.parent != folder or not path.is_file() or path.stat().st_size > max_bytes:
        return None
    content = path.read_bytes()
    try:
        # Pillow hands files of other kinds to programs of this machine.
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            width, height = image.size
    except (OSError, Image.DecompressionBombError):
        return None
    data = base64.b64encode(content).decode("ascii")
    return Picture(width, height, f"data:image/jpeg;base64,{data}")
