"""What ExecuTorch's QNN backend and QNN itself write past Python's own streams."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

STDOUT = 1
STDERR = 2
_CHATTER = ("[INFO] [Qnn ExecuTorch]", "[WARNING] [Qnn ExecuTorch]: Qnn API version", "LIBNATIVE: ")
"""Written on every load; the shim takes care of the version that the second one warns of."""


@contextmanager
def captured_native_log(descriptor: int = STDERR) -> Iterator[list[str]]:
    """Keep what native code writes to standard error, or to standard output, meanwhile.

    It goes past ``sys.stderr``, so the file descriptor itself is exchanged, for all threads.

    Args:
        descriptor: ``STDERR`` or ``STDOUT``.

    Yields:
        A list that holds the lines when the block is left, also by an exception.
    """
    lines: list[str] = []
    _flush()
    original = os.dup(descriptor)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), descriptor)
        try:
            yield lines
        finally:
            _flush()
            os.dup2(original, descriptor)
            os.close(original)
            file.seek(0)
            lines.extend(file.read().decode(errors="replace").splitlines())


def _flush() -> None:
    """Python and C each keep a buffer of their own in front of a descriptor."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)


def worth_reading(lines: list[str]) -> list[str]:
    """The lines without those that QNN writes on every load."""
    return [line for line in lines if line.strip() and not line.startswith(_CHATTER)]
