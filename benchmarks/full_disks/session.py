"""A session of the suites in a process of its own, whose lines are timed as they come."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import harness

ROOT = Path(harness.__file__).parents[1]
LIMIT_S = 400.0
"""Longest that a session may take before it counts as hung."""

HUNG = -1
"""Exit status of a session that was ended for that."""

_LOOK_S = 0.02
_CAUSE = re.compile(r"cannot be (?:written|kept).*No space left|No space left on device|are needed")


@dataclass(frozen=True)
class Ended:
    """What came of a session.

    Attributes:
        exit_status: Of pytest.
        filled_s: When the disk was full, on the monotonic clock; None if it never was.
        lines: What it printed, with the time of each line.
    """

    exit_status: int
    filled_s: float | None
    lines: tuple[tuple[float, str], ...]

    def named(self, refused_s: float | None = None) -> tuple[float, str] | None:
        """Seconds from the full disk to the first line that names it, and that line.

        Args:
            refused_s: When the disk refused a row first, on the same clock: until then a journal
                goes on within its last block.
        """
        if self.filled_s is None:
            return None
        fault_s = self.filled_s if refused_s is None else max(refused_s, self.filled_s)
        found = (line for line in self.lines if line[0] >= self.filled_s and _CAUSE.search(line[1]))
        return next(((max(0.0, at_s - fault_s), text.strip()) for at_s, text in found), None)


def run_session(
    arguments: Sequence[str], environment: Mapping[str, str], is_filled: Callable[[], bool]
) -> Ended:
    """Run to the end.

    Args:
        arguments: Of pytest.
        environment: Beside this process's own.
        is_filled: Asked time and again until it says so; may fill the disk itself.
    """
    command = (sys.executable, "-u", "-m", "pytest", "-p", "no:cacheprovider", *arguments)
    lines: list[tuple[float, str]] = []
    filled_s: float | None = None
    end_s = time.monotonic() + LIMIT_S
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT), "COLUMNS": "400"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        stream = process.stdout
        assert stream is not None

        def listen() -> None:
            lines.extend((time.monotonic(), line) for line in stream)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        while process.poll() is None:
            if filled_s is None and is_filled():
                filled_s = time.monotonic()
            if time.monotonic() > end_s:
                process.kill()
            time.sleep(_LOOK_S)
        listener.join()
    status = HUNG if time.monotonic() > end_s else process.returncode
    return Ended(status, filled_s, tuple(lines))
