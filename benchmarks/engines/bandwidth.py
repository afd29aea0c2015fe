"""What this machine's memory gives so many threads: the triad of STREAM, and reading alone.

A decode step reads weights and cache and writes next to nothing, so that no engine is faster than
memory is read. STREAM's triad (McCalpin) counts two arrays read and one written, though most
processors read what they overwrite as well; which of both comes out higher is the limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from benchmarks.engines.task import BandwidthRun

ARRAY_BYTES = 256 << 20
"""Of each of three arrays, together more than the last level of cache that a core can have."""

REPETITIONS = 8
"""STREAM tells the best of several, for all others were disturbed."""

_SCALE = 3.0


def measure_bandwidth(
    threads: int, array_bytes: int = ARRAY_BYTES, repetitions: int = REPETITIONS
) -> BandwidthRun:
    """Best rates of several repetitions, in 1e9 bytes per second."""
    torch.set_num_threads(threads)
    length = array_bytes // torch.float32.itemsize
    a, b, c = torch.zeros(length), torch.ones(length), torch.ones(length)
    return BandwidthRun(
        triad_gb_per_s=_rate(
            lambda: torch.add(b, c, alpha=_SCALE, out=a), 3 * a.nbytes, repetitions
        ),
        read_gb_per_s=_rate(lambda: torch.dot(b, c), 2 * a.nbytes, repetitions),
    )


def _rate(work: Callable[[], object], moved_bytes: int, repetitions: int) -> float:
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return moved_bytes / min(seconds) / 1e9
