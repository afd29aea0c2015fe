"""A line of a runner's log: one text to write it by and to read it by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from string import Formatter
from typing import Literal

LARGEST = 2**63
"""No count and no time of a runner is larger."""

_NUMBERS = {"d": r"\d+", "f": r"-?\d+\.\d+"}


@dataclass(frozen=True)
class Line:
    """A line with numbers in it.

    What is read is what would have been written, but for runs of blanks: upstream separates by
    tabs, and some log viewers turn each run of them into one space. A rate, whose name ends with
    ``_tps``, may be whatever C's printf makes of a division by 0.

    Attributes:
        label: By which the line is recognized.
        rest: What follows it. Both are texts for ``str.format`` with ``d`` and ``f`` fields.
    """

    label: str
    rest: str = ""

    def write(self, **values: float) -> str:
        """The line, without the logger's prefix."""
        return (self.label + self.rest).format(**values)

    def begins(self, message: str) -> bool:
        """Whether a message is this line, be it cut or damaged behind its label."""
        return self._start.match(message) is not None

    def read(self, message: str) -> dict[str, float] | None:
        """The numbers of a message by name; None if it is not the whole line."""
        found = self._whole.fullmatch(message)
        try:
            values = found and {name: _number(text) for name, text in found.groupdict().items()}
        except ValueError:
            return None
        told = (values or {}).items()
        return values if all(_is_rate(name) or value <= LARGEST for name, value in told) else None

    @cached_property
    def _start(self) -> re.Pattern[str]:
        return re.compile(_pattern(self.label))

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile(_pattern(self.label + self.rest) + r"\s*")


def _is_rate(name: str) -> bool:
    return name.endswith("_tps")


def _pattern(text: str) -> str:
    parts = []
    for literal, name, kind, _ in Formatter().parse(text.lstrip()):
        parts.append(re.sub(r"(\\?\s)+", r"\\s+", re.escape(literal)))
        if name is not None:
            number = r"\S+" if _is_rate(name) else _NUMBERS[kind or ""]
            parts.append(f"(?P<{name}>{number})")
    return "".join(parts)


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


Level = Literal["D", "I", "E", "F"]
"""Of a line of ExecuTorch's log."""

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


def log_line(elapsed_us: int, source: str, message: str, level: Level = "I") -> str:
    """Format one log line; the message is cut at 255 bytes, as upstream cuts it."""
    seconds, microseconds = divmod(elapsed_us, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    cut = message.encode(errors="replace")[:_MAX_MESSAGE_BYTES].decode(errors="ignore")
    stamp = f"{hours:02}:{minutes:02}:{seconds:02}.{microseconds:06}"
    return f"{level} {stamp} executorch:{source}] {cut}"


def read_log_line(number: int, raw: str) -> LogLine:
    """Take the logger's prefix off a line."""
    if stamped := _STDERR.match(raw):
        hours, minutes, seconds = stamped.groups()
        stamp_ms = (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000
        return LogLine(number, stamp_ms, raw[stamped.end() :])
    if logcat := _LOGCAT.match(raw):
        return LogLine(number, None, raw[logcat.end() :])
    return LogLine(number, None, raw.lstrip())
