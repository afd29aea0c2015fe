"""Which phones a session asks for, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.devices.phone.fleet.inventory import Inventory
from harness.devices.phone.qnn_version import QnnVersion


@dataclass(frozen=True)
class PhoneRequest:
    """What the options of a session say about phones.

    Attributes:
        soc: Start of the SoC's name; None for any.
        serial: Of one phone, or its name in the inventory; None for any.
        adb_hosts: Addresses of adb servers; none for this machine's.
        adb_program: Starts this machine's server where there is none; None for the one found.
        build_dir: ExecuTorch's build for Android.
        qnn_dir: QNN's libraries for phones; None for those of ``QNN_SDK_ROOT``.
        made_by: QNN that artifacts will be exported with; None where none is exported.
        inventory: The laboratory's phones.
        count: How many phones are needed.
    """

    soc: str | None
    serial: str | None
    adb_hosts: tuple[str, ...] = ()
    adb_program: Path | None = None
    build_dir: Path | None = None
    qnn_dir: Path | None = None
    made_by: QnnVersion | None = None
    inventory: Inventory = field(default_factory=Inventory)
    count: int = 1

    @property
    def serialno(self) -> str | None:
        """The serial that is asked for, by whatever name."""
        return None if self.serial is None else self.inventory.serialno_of(self.serial)
