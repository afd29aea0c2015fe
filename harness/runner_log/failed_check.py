"""Why a runner ended itself: a check of upstream's (contract §5.7), or a sentence of ours."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from harness.runner_log.streams import numbered_lines

_CHECK = re.compile(
    r"In function (?P<function>[^()]*)\(\), assert failed"
    r"(?: \((?P<condition>.*?)\): (?P<text>.*)|(?:: | \()(?P<alone>.*))"
)
"""``ET_CHECK_MSG`` and ``ET_CHECK``; a message that is cut may end anywhere."""
_ERRORS_TOLD = 2
_LOGGED = re.compile(
    r"(?P<level>[DIEF]) \d\d:\d\d:\d\d\.\d{6} executorch:[^\]]+\] ?(?P<message>.*)"
)
_OUR_ERROR = "error: "
"""Begins the last line of our runner (contract §5.7)."""
_TERMINATED = re.compile(r"terminate called after throwing an instance of '(?P<kind>[^']+)'")
_WHAT = re.compile(r"\s*what\(\): +(?P<what>.*)")


def why_it_ended(log: str) -> str | None:
    """What a runner that ended itself said last, in words; None where it said nothing of the kind.

    A check that only names its condition is told with the last errors that were logged before it.

    Args:
        log: Standard output and error of a run.
    """
    last = None
    for told in _endings(log):
        last = told
    return last


def _endings(log: str) -> Iterator[str]:
    thrown = None
    errors: deque[str] = deque(maxlen=_ERRORS_TOLD)
    for _, line in numbered_lines(log):
        logged = _LOGGED.match(line)
        if logged and logged["level"] == "E":
            errors.append(logged["message"].strip())
        elif logged and logged["level"] == "F" and (check := _CHECK.match(logged["message"])):
            yield _in_words(check, errors)
        elif line.startswith(_OUR_ERROR):
            yield line.removeprefix(_OUR_ERROR).strip()
        elif found := _TERMINATED.match(line):
            thrown = found["kind"]
            yield f"it threw {thrown}"
        elif thrown and (found := _WHAT.match(line)):
            yield f"it threw {thrown}: {found['what'].strip()}"


def _in_words(check: re.Match[str], errors: Iterable[str]) -> str:
    if text := (check["text"] or "").strip():
        return f"{text} (its check {check['condition']} failed)"
    condition = (check["condition"] or check["alone"] or "").strip()
    return "; ".join([*errors, f"its check {condition} failed in {check['function']}()"])
