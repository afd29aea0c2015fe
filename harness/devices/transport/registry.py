"""Transports by the scheme of ``--serial``: what stands before the first colon in ``ssh:board3``.

A package brings one along with a line of its ``pyproject.toml``::

    [project.entry-points."snapgate.transports"]
    ssh = "my_package.ssh:find_phones"

The function gets what stands behind the colon, and finds phones that are called by all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points

from harness.devices.transport.found_phone import Discovery

GROUP = "snapgate.transports"


def transport_of(serial: str) -> Callable[[], Discovery] | None:
    """What finds the phones that a serial names; None where it has the scheme of no transport.

    Args:
        serial: Word that ``--serial`` gives.

    Raises:
        ImportError: If the transport that is declared cannot be imported.
    """
    scheme, colon, address = serial.partition(":")
    declared = entry_points(group=GROUP, name=scheme) if colon else ()
    for entry in declared:
        return partial(entry.load(), address)
    return None
