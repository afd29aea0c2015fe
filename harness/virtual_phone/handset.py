"""What every part of a virtual phone shares: its files, its processes, its state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.virtual_phone.faults import Cut, Faults
from harness.virtual_phone.machine.condition import Battery, Thermal
from harness.virtual_phone.machine.sandbox import Sandbox, start_sandbox
from harness.virtual_phone.profile import PhoneProfile
from harness.virtual_phone.traffic import Traffic


class Handset:
    """The phone apart from its transport.

    Args:
        profile: What kind of phone it is.
        cut: What ends the transport, after so many seconds.

    Raises:
        NoSandbox: If the demanded sandbox is not to be had.
    """

    def __init__(self, profile: PhoneProfile, cut: Callable[[Cut, float], None]) -> None:
        started = start_sandbox(profile.folder, profile.isolation)
        self.root, self.sandbox, self.isolation_reason = started
        self.properties = dict(profile.properties)
        self.features = profile.features
        self.cut = cut
        self.traffic = Traffic(cut)
        self.faults = Faults()
        self.reboots = 0
        self.services: list[str] = []
        self.root.write_properties(self.properties)
        self.root.write_battery(Battery())
        self.root.write_thermal(Thermal())
        self.root.write_available(None)

    def set_faults(self, faults: Faults) -> None:
        """Have these faults, and no others; counts begin anew."""
        self.faults = faults
        self.traffic.arm(faults.triggers)
        self.root.write_available(faults.available_bytes)

    def use_up(self, **left: object) -> None:
        """Note what is left of a fault that is used up, with nothing armed anew."""
        self.faults = self.faults.model_copy(update=left)

    def set_properties(self, properties: dict[str, str]) -> None:
        """Change or add properties."""
        self.properties = {**self.properties, **properties}
        self.root.write_properties(properties)

    def reboot(self, loop: asyncio.AbstractEventLoop) -> None:
        """End every process, daemons too, and start with another boot id."""
        isolation = self.sandbox.isolation
        self.sandbox.stop_serving(loop)
        self.sandbox.end()
        self.reboots += 1
        self.root.renew_boot_id()
        self.sandbox = Sandbox(self.root, isolation)
        self.sandbox.serve(loop)
