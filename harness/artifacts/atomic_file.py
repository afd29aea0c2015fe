"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file beside ``path`` that takes its place when the block ends without an error.

    Yields:
        The part file, open for binary writing and reading; it is deleted if the block fails.
    """
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
        os.chmod(part, 0o644)
        os.replace(part, path)
    except OSError as error:
        os.unlink(part)
        # What writing fails with names no file, and what to make room for is this one.
        error.filename = str(path)
        raise
    except BaseException:
        os.unlink(part)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode())
