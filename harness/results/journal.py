"""Append-only journal of a run: what is written stays readable whatever happens next.

A run is a folder ``<results>/<run_id>/`` with one ``rows-<worker>.jsonl`` per process and the
thumbnails of the images that were asked about. Folders of several machines merge by copying.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from PIL import Image
from pydantic import ValidationError
from pydantic_core import from_json

from harness.errors import UserError
from harness.results.rows import SCHEMA_VERSION, Row, parse_row

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

    def append(self, row: Row) -> None:
        """Write one row; it survives this process from the moment the call returns.

        Raises:
            OSError: If the disk is full; what was written before stays readable.
            ValueError: If the journal is closed.
        """
        if self._descriptor is None:
            raise ValueError(f"{self.path} is closed")
        line = row.model_dump_json().encode() + b"\n"
        if os.write(self._descriptor, line) != len(line):
            # Another row behind the torn one would turn it from a torn end into damage.
            self.close()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))

    def store_thumbnail(self, image: Image.Image) -> str:
        """Keep a small JPEG of ``image`` in the run's folder, once however often it is asked for.

        Args:
            image: Any size and mode; transparency is shown on white.

        Returns:
            File name inside the thumbnail folder, made of the content's hash, for
            ``AnswerRow.image``.
        """
        content = _thumbnail_jpeg(image)
        name = f"{hashlib.sha256(content).hexdigest()[:16]}.jpg"
        folder = self.directory / THUMBNAIL_FOLDER
        if not (folder / name).exists():
            folder.mkdir(exist_ok=True)
            part = folder / f"{name}.{os.getpid()}.part"
            part.write_bytes(content)
            os.replace(part, folder / name)
        return name

    def close(self) -> None:
        """Release the file; a second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True)
class ReadResult:
    """All rows of a run: file by file in name order, each file in the order of writing.

    Attributes:
        rows: What was written.
        torn: Last lines that a killed process did not finish; skipped.
    """

    rows: tuple[Row, ...]
    torn: int


def read_rows(directory: Path) -> ReadResult:
    """Read a run's folder.

    Raises:
        UserError: If there is no journal, or one has a line that nobody's death explains.
    """
    files = sorted(directory.glob("rows-*.jsonl"))
    if not files:
        raise UserError(
            f"{directory} holds no rows-*.jsonl, so it is not a run; "
            "name the folder of a run with --run, or make one with `pytest -m accuracy`."
        )
    rows: list[Row] = []
    torn = 0
    for file in files:
        # Only a line feed ends a row: str.splitlines would also break at U+2028 inside a text.
        *lines, rest = file.read_bytes().split(b"\n")
        torn += bool(rest)
        rows.extend(_read_line(file, number, line) for number, line in enumerate(lines, start=1))
    return ReadResult(tuple(rows), torn)


def _read_line(file: Path, number: int, line: bytes) -> Row:
    try:
        return parse_row(line)
    except ValidationError as error:
        version = _schema_version(line)
        if version is not None and version > SCHEMA_VERSION:
            raise UserError(
                f"{file} line {number} has schema version {version} and this snapgate reads up to "
                f"{SCHEMA_VERSION}; update with `pip install -U snapgate`."
            ) from error
        problem = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in problem["loc"]) or "row"
        raise UserError(
            f"{file} line {number} is damaged ({place}: {problem['msg']}); "
            f"look at it with `sed -n {number}p {file}` and remove it to read the rest."
        ) from error


def _schema_version(line: bytes) -> int | None:
    try:
        row = from_json(line)
    except ValueError:
        return None
    version = row.get("schema_version") if isinstance(row, dict) else None
    return version if isinstance(version, int) else None


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
