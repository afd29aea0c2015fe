"""Lowering without the work that comes to nothing, whatever the backend."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from harness.backends.asked_passes import with_asked_passes
from harness.backends.idle_passes import without_idle_traces
from harness.backends.known_values import with_known_values


@contextmanager
def lean_passes() -> Iterator[None]:
    """Trace graphs where a pass changes them, and compute values where they are not known.

    For a process that exports and does nothing else: torch and ExecuTorch are changed for all of
    its threads. The file that comes out is the same (``without_idle_traces`` says how far).
    """
    with without_idle_traces(), with_asked_passes(), with_known_values():
        yield


@contextmanager
def without_collections() -> Iterator[None]:
    """Leave garbage that refers to itself: graphs have millions of objects, and little of it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
