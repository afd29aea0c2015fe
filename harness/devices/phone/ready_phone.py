"""A phone that a session can use, and what goes onto it besides artifacts."""

from __future__ import annotations

from dataclasses import dataclass

from harness.devices.phone.fleet.inventory import InventoryPhone
from harness.devices.phone.qnn_files import PhoneLibraries
from harness.devices.phone.runner.build import RunnerBuild
from harness.devices.transport.found_phone import FoundPhone


@dataclass(frozen=True)
class ReadyPhone:
    """A phone with all that it needs.

    Attributes:
        found: Phone, as its transport found it.
        build: Runner for it.
        libraries: QNN's libraries for its HTP; None for a virtual phone, whose runner has its own.
        entry: What the inventory says of it; None if it does not know it.
    """

    found: FoundPhone
    build: RunnerBuild
    libraries: PhoneLibraries | None = None
    entry: InventoryPhone | None = None
