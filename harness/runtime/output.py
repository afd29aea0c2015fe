"""Files and streams that a run writes its results to. Imports without torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.artifacts.atomic_file import replacing
from harness.errors import UserError


def is_device(path: Path) -> bool:
    """Whether a path names a device or a pipe, such as ``/dev/null``, which nothing may replace."""
    return path.exists() and not path.is_file() and not path.is_dir()


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that appears whole or not at all.

    Raises:
        UserError: If it cannot be written, for want of permission or space.
    """
    with explain_failure(path), path.open("wb") if is_device(path) else replacing(path) as file:
        yield file


@contextmanager
def explain_failure(path: Path) -> Iterator[None]:
    """Turn an operating system's error while ``path`` is written into a ``UserError``.

    A closed pipe passes, such as that of ``/dev/stdout``: nobody reads on.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}); make room or name another file."
        ) from error
