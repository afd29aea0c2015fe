"""Every graph of one ``.pte``, loaded and run: ``python -m benchmarks.run_methods FILE``.

A process of its own, since a backend that breaks takes its process with it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from harness.backends.qnn.provider import activate
from harness.errors import UserError
from harness.program import run_program
from harness.runtime.program import Array, BoundMethod, Program
from harness.runtime.program_description import ProgramDescription

REPEATS = 5
"""Calls behind the first one, which also pays for what is made on first use."""

SLOW_MS = 1000.0
"""Wall milliseconds of a first call above which no other follows."""


@dataclass(frozen=True)
class CallTime:
    """Medians over the calls of one method.

    Attributes:
        wall_ms: Inside ExecuTorch.
        cpu_ms: Of all threads of the process.
    """

    wall_ms: float
    cpu_ms: float


def run_methods(path: Path) -> dict[str, CallTime]:
    """Run each method with inputs on zeros.

    Args:
        path: The ``.pte``.

    Returns:
        What one call takes, by method.

    Raises:
        UserError: If a method cannot be loaded or run, or returns what is not finite.
    """
    program = Program(path)
    took = {}
    for name in sorted(ProgramDescription.read(path).signatures):
        method = program.method(name)
        bound = method.bind([np.zeros(spec.shape, spec.dtype) for spec in method.inputs])
        took[name] = _timed(bound)
    return took


def _timed(bound: BoundMethod) -> CallTime:
    """Check the first call and time the others; of a slow method the first is all there is."""
    first, outputs = _call(bound)
    if not all(np.isfinite(output).all() for output in outputs):
        raise UserError(f"{bound.method} returns numbers that are not finite; look at its recipe.")
    calls = [first] if first.wall_ms > SLOW_MS else [_call(bound)[0] for _ in range(REPEATS)]
    return CallTime(
        statistics.median(call.wall_ms for call in calls),
        statistics.median(call.cpu_ms for call in calls),
    )


def _call(bound: BoundMethod) -> tuple[CallTime, list[Array]]:
    wall_before_ns, cpu_before_ns = bound.execute_ns, time.process_time_ns()
    outputs = bound.execute()
    cpu_ns = time.process_time_ns() - cpu_before_ns
    return CallTime((bound.execute_ns - wall_before_ns) / 1e6, cpu_ns / 1e6), outputs


def _stay_on_one_core() -> None:
    """Let the emulator's threads take turns.

    With two busy cores they wait for each other spinning, which more than doubles CPU time; on one
    core it is within a fifth of an idle machine's.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


def main() -> int:
    """Print what each method takes as one JSON line, the last of standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run_methods", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--qnn-dir", type=Path)
    options = parser.parse_args()
    # Before the emulator starts its threads, which inherit it.
    _stay_on_one_core()
    try:
        activate(options.qnn_dir)
        took = run_methods(options.file)
        print(json.dumps({name: asdict(call) for name, call in took.items()}), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    run_program(main)
