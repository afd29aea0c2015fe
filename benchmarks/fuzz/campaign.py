"""Tries all cases of a kind, whatever becomes of the processes that try them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.fuzz.kind import DEFECTS, Kind, Outcome

_PREPARED_WITHIN_S = 1800.0
"""An export of a miniature included."""


@dataclass
class Tally:
    """What became of the cases of a kind.

    Attributes:
        counts: Cases by outcome.
        defects: Case, outcome and what was said, of each defect.
    """

    counts: Counter[Outcome] = field(default_factory=Counter)
    defects: list[tuple[int, Outcome, str]] = field(default_factory=list)

    def note(self, case: int, outcome: Outcome, detail: str) -> None:
        """Add a case."""
        self.counts[outcome] += 1
        if outcome in DEFECTS:
            self.defects.append((case, outcome, detail))


def worker_command(kind: str, seed: int, first: int, last: int) -> list[str]:
    """Command line of the session that tries cases."""
    return [sys.executable, "-m", "benchmarks.fuzz.worker", kind, *map(str, (seed, first, last))]


def try_cases(kind: Kind, seed: int, cases: range, deadline: float) -> Tally:
    """Try cases until a time; a process that one of them ended is followed by another.

    Args:
        kind: What is mutated.
        seed: Of the dice.
        cases: Their numbers.
        deadline: As ``time.monotonic`` tells it.

    Raises:
        RuntimeError: If the kind cannot be prepared.
    """
    found = Tally()
    first, doubted = cases.start, cases.start - 1
    while first < cases.stop and time.monotonic() < deadline:
        command = worker_command(kind.name, seed, first, cases.stop)
        case, is_hung = _follow(command, kind, found, deadline)
        if is_hung and case != doubted and time.monotonic() < deadline:
            # A machine that had no time for it is told from a hang by a second try.
            first = doubted = case
            continue
        if is_hung:
            found.note(case, "hang", f"no end within {kind.limit_s:.0f} s")
        first = case + 1
    return found


def _follow(command: Sequence[str], kind: Kind, found: Tally, deadline: float) -> tuple[int, bool]:
    """Note cases until the process has ended, or the time has.

    Returns:
        The last case, and whether it hung, which is not noted.
    """
    case, is_open = int(command[-2]) - 1, False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        assert worker.stdout is not None
        limit_s = _PREPARED_WITHIN_S
        while True:
            # A line is written whole, and the worker waits for nobody: none is left in a buffer.
            line = _line(worker.stdout.fileno(), limit_s)
            if not line:
                break
            message = json.loads(line)
            case, is_open, limit_s = message["case"], "outcome" not in message, kind.limit_s
            if not is_open:
                found.note(case, message["outcome"], message["detail"])
                if time.monotonic() > deadline:
                    break
        is_hung = line is None
        if worker.poll() is None and (is_hung or time.monotonic() > deadline):
            worker.kill()
        status = worker.wait()
    if is_open and not is_hung:
        found.note(case, "signal", _ending(status))
    elif case < int(command[-2]) and time.monotonic() < deadline:
        raise RuntimeError(f"{kind.name} cannot be prepared: {' '.join(command)}")
    return case, is_open and is_hung


def _line(descriptor: int, limit_s: float) -> bytes | None:
    """One line; empty at the end, None if none came in time."""
    line = b""
    deadline = time.monotonic() + limit_s
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return None
        byte = os.read(descriptor, 1)
        if not byte:
            return b""
        line += byte
    return line


def _ending(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
