"""Standard output and standard error of one process in one text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.runner_log.observer_line import OBSERVER

_STANDARD_ERROR = re.compile(
    r"[DIEF] \d\d:\d\d:\d\d\.\d{6} executorch:|\[(?:INFO|WARNING|ERROR)\] \[Qnn ExecuTorch\]"
)


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers, from 1.

    A process whose output goes to a file writes it in blocks of some kilobytes, so that with nine
    turns a statistics line of standard output ends somewhere and goes on several lines of standard
    error later. It is one line again, where its end stands.

    Args:
        text: Both streams, in any order or interleaved.
    """
    head = ""
    for number, line in enumerate(text.splitlines(), start=1):
        error = _STANDARD_ERROR.search(line)
        if error and _is_cut(line[: error.start()]):
            head, line = line[: error.start()], line[error.start() :]
        elif head and not error and line.endswith("}"):
            head, line = "", head + line
        yield number, line


def _is_cut(text: str) -> bool:
    """Whether a text is the beginning of a statistics line."""
    begin = text.find(OBSERVER)
    if begin >= 0:
        return "}" not in text[begin:]
    return any(text.endswith(OBSERVER[:length]) for length in range(1, len(OBSERVER)))
