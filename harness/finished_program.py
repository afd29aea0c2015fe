"""Programs that are run to their end for what they print, of which memory holds a bounded part."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from harness.kept_output import KeptOutput

_BLOCK_BYTES = 1 << 16
_REST_S = 2.0
"""For what stands in the pipes of a program that has ended, whoever else holds them open."""


def run_to_end(
    command: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program that reads nothing, and keep what it prints as ``KeptOutput`` does.

    Args:
        command: Program and arguments; no shell reads them.
        timeout_s: Wall time until it is ended.
        environment: This process's own if None.

    Raises:
        OSError: If it cannot be started.
        subprocess.TimeoutExpired: If it did not end in time.
    """
    end_s = time.monotonic() + timeout_s
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        # Closing a buffered pipe waits for whoever reads it.
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        streams = [_Reader(process.stdout), _Reader(process.stderr)]
        try:
            exit_code = process.wait(end_s - time.monotonic())
        except BaseException:
            process.kill()
            raise
        output, errors = (stream.text() for stream in streams)
    return subprocess.CompletedProcess(command, exit_code, output, errors)


class _Reader:
    """Empties a pipe, so that nobody who prints into it waits."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._kept = KeptOutput()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        # Closed where somebody holds the pipe whom nobody waits for.
        with suppress(ValueError, OSError):
            while part := self._pipe.read(_BLOCK_BYTES):
                self._kept.add(part, self._kept.end)

    def text(self) -> str:
        """What came; a daemon that the program left behind may print more."""
        self._thread.join(_REST_S)
        return self._kept.content().decode(errors="replace")
