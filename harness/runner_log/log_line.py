"""What a logger puts before a message: level, time, source (contract §5.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_MESSAGE_BYTES = 255

_STDERR = re.compile(r"[DIEF] (\d\d):(\d\d):(\d\d\.\d{6}) executorch:[^\]]+\]\s*")
_LOGCAT = re.compile(r".*\bExecuTorch *(?:\( *\d+\))?:\s*")


@dataclass(frozen=True)
class LogLine:
    """One line of a runner's output, from ExecuTorch's own logger, Android's or neither.

    Attributes:
        number: Among the lines of the output, from 1.
        stamp_ms: Time since start; None where the line tells none, as those of logcat.
        message: Without the logger's prefix and leading blanks.
    """

    number: int
    stamp_ms: float | None
    message: str


def log_line(elapsed_us: int, source: str, message: str) -> str:
    """Format one log line of level Info; the message is cut at 255 bytes, as upstream cuts it."""
    seconds, microseconds = divmod(elapsed_us, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    cut = message.encode(errors="replace")[:_MAX_MESSAGE_BYTES].decode(errors="ignore")
    stamp = f"{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}"
    return f"I {stamp} executorch:{source}] {cut}"


def read_log_line(number: int, raw: str) -> LogLine:
    """Take the logger's prefix off a line."""
    if stamped := _STDERR.match(raw):
        hours, minutes, seconds = stamped.groups()
        stamp_ms = (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000
        return LogLine(number, stamp_ms, raw[stamped.end() :])
    if logcat := _LOGCAT.match(raw):
        return LogLine(number, None, raw[logcat.end() :])
    return LogLine(number, None, raw.lstrip())
