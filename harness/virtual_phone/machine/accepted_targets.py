"""Which artifacts a virtual phone's runner loads: it runs on this machine after all."""

from __future__ import annotations

from harness.backends.qnn.libraries import find_libraries
from harness.errors import UserError
from harness.vocabulary import Target


def loadable_targets() -> tuple[Target, ...]:
    """Targets, best first: those of the emulator where QNN's libraries are, those of the host."""
    try:
        find_libraries()
    except UserError:
        return ("host",)
    return ("emulator", "host")
