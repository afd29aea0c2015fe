"""Append-only journal of a run: what is written stays readable whatever happens next.

A run is a folder ``<results>/<run_id>/`` with one ``rows-<worker>.jsonl`` per process and the
thumbnails of the images that were asked about. Folders of several machines merge by copying.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Self

from PIL import Image

from harness.results.rows.schema import Row

THUMBNAIL_FOLDER = "thumbnails"
THUMBNAIL_MAX_PX = 320
_JPEG_QUALITY = 85


class Journal:
    """Writer of one process's rows; owns ``rows-<worker>.jsonl`` from the first row to the last.

    Each row is one ``write`` of a whole line to a file opened with ``O_APPEND``: a killed process
    leaves at most one torn line, the last, and never damages what came before.

    Args:
        directory: The run's folder; made when missing.
        worker: ``main``, or the pytest-xdist worker's id.

    Raises:
        FileExistsError: If another process already writes as ``worker`` in this run.
    """

    def __init__(self, directory: Path, worker: str) -> None:
        self.directory = directory
        self.path = directory / f"rows-{worker}.jsonl"
        directory.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor: int | None = os.open(self.path, flags, 0o644)
        self._torn_at: int | None = None

    def append(self, row: Row) -> None:
        """Write one row; it survives this process from the moment the call returns.

        Raises:
            OSError: If the disk is full; what was written before stays readable, and the row may
                be written again when there is room.
            ValueError: If the journal is closed.
        """
        if self._descriptor is None:
            raise ValueError(f"{self.path} is closed")
        line = row.model_dump_json().encode() + b"\n"
        try:
            if self._torn_at is not None:
                # Another row behind the torn one would turn it from a torn end into damage.
                os.ftruncate(self._descriptor, self._torn_at)
            self._torn_at = os.fstat(self._descriptor).st_size
            is_whole = os.write(self._descriptor, line) == len(line)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        if not is_whole:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        self._torn_at = None

    def store_thumbnail(self, image: Image.Image) -> str:
        """Keep a small JPEG of ``image`` in the run's folder, once however often it is asked for.

        Args:
            image: Any size and mode; transparency is shown on white.

        Returns:
            File name inside the thumbnail folder, made of the content's hash, for
            ``AnswerRow.image``.

        Raises:
            OSError: If the disk is full; nothing is left of it then.
        """
        content = _thumbnail_jpeg(image)
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.jpg"
        folder = self.directory / THUMBNAIL_FOLDER
        if not (folder / name).exists():
            folder.mkdir(exist_ok=True)
            part = folder / f"{name}.{os.getpid()}.part"
            try:
                part.write_bytes(content)
                os.replace(part, folder / name)
            except OSError:
                part.unlink(missing_ok=True)
                raise
        return name

    def close(self) -> None:
        """Release the file; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _thumbnail_jpeg(image: Image.Image) -> bytes:
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(layer)
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_MAX_PX, THUMBNAIL_MAX_PX))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
