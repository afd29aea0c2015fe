"""What every part of a virtual phone shares: its files, its processes, its state, its traffic."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.virtual_phone.faults import Cut, CutTrigger, Faults
from harness.virtual_phone.machine.condition import Battery, Thermal
from harness.virtual_phone.machine.sandbox import Sandbox, start_sandbox
from harness.virtual_phone.profile import PhoneProfile


@dataclass
class _Armed:
    trigger: CutTrigger
    left_in: int | None
    left_out: int | None
    left_times: int

    def rearm(self) -> None:
        self.left_in = self.trigger.after_bytes_in
        self.left_out = self.trigger.after_bytes_out
        self.left_times -= 1


class Traffic:
    """Counts payload bytes, and fires the triggers that they meet.

    Args:
        fire: What to call with a cut and the delay in seconds before it.
    """

    def __init__(self, fire: Callable[[Cut, float], None]) -> None:
        self.bytes_in = 0
        self.bytes_out = 0
        self._fire = fire
        self._armed: list[_Armed] = []

    def arm(self, triggers: Sequence[CutTrigger]) -> None:
        """Wait for these from now on, and for no others."""
        self._armed = [
            _Armed(trigger, trigger.after_bytes_in, trigger.after_bytes_out, trigger.times)
            for trigger in triggers
        ]

    def count_in(self, length: int) -> None:
        """Count bytes that the host sent."""
        self.bytes_in += length
        for armed in self._armed:
            if armed.left_in is not None:
                armed.left_in -= length
        self._fire_met(lambda armed: armed.left_in is not None and armed.left_in <= 0)

    def count_out(self, length: int) -> None:
        """Count bytes that the phone sends."""
        self.bytes_out += length
        for armed in self._armed:
            if armed.left_out is not None:
                armed.left_out -= length
        self._fire_met(lambda armed: armed.left_out is not None and armed.left_out <= 0)

    def see_command(self, command: str) -> None:
        """Note a shell command that starts."""

        def met(armed: _Armed) -> bool:
            pattern = armed.trigger.on_command
            return pattern is not None and re.search(pattern, command) is not None

        self._fire_met(met)

    def _fire_met(self, met: Callable[[_Armed], bool]) -> None:
        for armed in [armed for armed in self._armed if met(armed)]:
            armed.rearm()
            if armed.left_times == 0:
                self._armed.remove(armed)
            self._fire(armed.trigger.cut, armed.trigger.delay_s)


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
        self.root.make_room()
        self.root.write_available(faults.available_bytes)

    def see_command(self, command: str) -> None:
        """Let what waits for a shell command happen before it starts."""
        full_on = self.faults.disk_full_on_command
        if full_on is not None and re.search(full_on, command):
            self.use_up(disk_full_on_command=None, disk_full_after_bytes=0, available_bytes=0)
            self.root.fill_data()
        self.traffic.see_command(command)

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
