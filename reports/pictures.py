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
    """Thumbnails by name, the first ones first; one whose file is missing is left out.

    Args:
        folder: Of the thumbnails.
        names: Most important first.
        max_bytes: Of all addresses together.
    """
    pictures: dict[str, Picture] = {}
    room = max_bytes
    for name in names:
        if not (folder / name).exists():
            continue
        picture = _picture(folder / name)
        room -= len(picture.uri)
        if room < 0:
            break
        pictures[name] = picture
    return pictures


def _picture(path: Path) -> Picture:
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
    data = base64.b64encode(content).decode("ascii")
    return Picture(width, height, f"data:image/jpeg;base64,{data}")
