"""What ExecuTorch's QNN backend and QNN itself write to the process' standard error."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_CHATTER = ("[INFO] [Qnn ExecuTorch]", "[WARNING] [Qnn ExecuTorch]: Qnn API version", "LIBNATIVE: ")
"""Written on every load; the shim takes care of the version that the second one warns of."""


@contextmanager
def captured_native_log() -> Iterator[list[str]]:
    """Keep what native code writes to standard error meanwhile.

    It goes past ``sys.stderr``, so the file descriptor itself is exchanged, for all threads.

    Yields:
        A list that holds the lines when the block is left, also by an exception.
    """
    lines: list[str] = []
    sys.stderr.flush()
    original = os.dup(_STDERR)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STDERR)
        try:
            yield lines
        finally:
            os.dup2(original, _STDERR)
            os.close(original)
            file.seek(0)
            lines.extend(file.read().decode(errors="replace").splitlines())


def worth_reading(lines: list[str]) -> list[str]:
    """The lines without those that QNN writes on every load."""
    return [line for line in lines if line.strip() and not line.startswith(_CHATTER)]
