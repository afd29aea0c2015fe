"""Android's log, rewritten as the lines that a runner prints where it logs to standard error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

_LINE = re.compile(
    r"(?P<stamp>\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6})\s+\d+\s+\d+ (?P<level>[VDIWEF]) "
    r"(?P<tag>\S[^:]*?)\s*: (?P<message>.*)"
)
"""``logcat -v threadtime``, with or without ``-v usec``."""
_LEAP_YEAR = 2024
"""logcat prints no year; every day of the calendar exists in this one."""
_EXECUTORCH, _QNN = "ExecuTorch", "[Qnn ExecuTorch]"
_WORDS = {"E": "ERROR", "W": "WARNING", "F": "ERROR"}


def as_runner_log(logcat: str) -> str:
    """Keep the lines of ExecuTorch and QNN, in the form of contract §5.5.

    Times count from the first line, so that stages can be timed from them.

    Args:
        logcat: What ``logcat_command`` printed.
    """
    return "\n".join(_lines(logcat))


def _lines(logcat: str) -> Iterator[str]:
    start: datetime | None = None
    for found in filter(None, map(_LINE.fullmatch, logcat.splitlines())):
        stamp = datetime.strptime(f"{_LEAP_YEAR}-{found['stamp']}", "%Y-%m-%d %H:%M:%S.%f")
        start = start or stamp
        if found["tag"] == _EXECUTORCH:
            yield f"{found['level']} {_since(start, stamp)} executorch:logcat:0] {found['message']}"
        elif found["tag"] == _QNN:
            yield f"[{_WORDS.get(found['level'], 'INFO')}] {_QNN}: {found['message']}"


def _since(start: datetime, stamp: datetime) -> str:
    elapsed_us = (stamp - start) // (stamp.resolution)
    seconds, microseconds = divmod(max(elapsed_us, 0), 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}"
