"""What can be done to a virtual phone while it runs: the same in-process and from afar."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from harness.results.rows.basics import Frozen
from harness.virtual_phone.faults import Cut, Faults
from harness.virtual_phone.machine.condition import Battery, Thermal
from harness.virtual_phone.machine.sandbox import Isolation


class ControlRequest(Frozen):
    """One change of a phone; what is None stays as it is. Done in the order of the fields.

    Attributes:
        server_port: Port of the adb server on this machine that the phone is plugged into, which
            an ``unplug`` needs.
        properties: System properties to change or add.
        battery: Battery to show.
        thermal: Temperatures to show.
        faults: Faults from now on; all others end.
        cut: Cut of the transport, now.
    """

    server_port: int | None = None
    properties: dict[str, str] | None = None
    battery: Battery | None = None
    thermal: Thermal | None = None
    faults: Faults | None = None
    cut: Cut | None = None


class PhoneStatus(Frozen):
    """A phone at a moment.

    Attributes:
        port: Port that the adb server connects to.
        serialno: Serial number, its ``ro.serialno``.
        isolation: Kind of sandbox.
        isolation_reason: Why it is not the better one; None where it is, or where none was asked.
        shared: What of this machine its commands reach beyond its files and programs, and who
            reaches it beside its user; empty where the machine keeps all apart.
        faults: Faults that it has, as far as they are not used up.
        connections: Transports that it has.
        cuts: How often it cut them.
        reboots: How often it rebooted.
        bytes_in: Payload bytes from the host, since it started.
        bytes_out: Payload bytes to the host.
        services: What streams were opened for, in order.
    """

    port: int
    serialno: str
    isolation: Isolation
    isolation_reason: str | None
    shared: tuple[str, ...]
    faults: Faults
    connections: int
    cuts: int
    reboots: int
    bytes_in: int
    bytes_out: int
    services: tuple[str, ...]


class PhoneControls(ABC):
    """A phone that can be made to misbehave."""

    @abstractmethod
    def control(self, request: ControlRequest) -> PhoneStatus:
        """Change the phone, and tell how it is then."""

    @property
    @abstractmethod
    def port(self) -> int:
        """Port that the adb server connects to."""

    @property
    def serial(self) -> str:
        """What the adb server calls the phone."""
        return f"127.0.0.1:{self.port}"

    def status(self) -> PhoneStatus:
        """The phone as it is now."""
        return self.control(ControlRequest())

    def set_faults(self, faults: Faults) -> PhoneStatus:
        """Have exactly these faults from now on."""
        return self.control(ControlRequest(faults=faults))

    def set_fault(self, **fields: Any) -> PhoneStatus:
        """Add a fault to those that it has: fields of ``Faults``."""
        now = self.status().faults.model_dump()
        return self.set_faults(Faults.model_validate({**now, **fields}))

    def clear_faults(self) -> PhoneStatus:
        """End all faults."""
        return self.set_faults(Faults())

    def allow(self) -> PhoneStatus:
        """The owner taps Allow: what waits for it goes on."""
        return self.set_fault(availability="device")

    def cut(self, cut: Cut | None = None) -> PhoneStatus:
        """Lose the transport now."""
        return self.control(ControlRequest(cut=cut or Cut()))

    def reboot(self, down_s: float = 0.5) -> PhoneStatus:
        """Reboot: every process dies, the boot id changes, the transport is gone for a while."""
        return self.cut(Cut(down_s=down_s, reboot=True))

    def set_battery(self, battery: Battery) -> PhoneStatus:
        """Show another battery."""
        return self.control(ControlRequest(battery=battery))

    def set_thermal(self, thermal: Thermal) -> PhoneStatus:
        """Show other temperatures."""
        return self.control(ControlRequest(thermal=thermal))

    def set_property(self, name: str, value: str) -> PhoneStatus:
        """Change or add a system property."""
        return self.control(ControlRequest(properties={name: value}))

    def plug_into(self, server_port: int) -> PhoneStatus:
        """Say which adb server on this machine has the phone; ``PrivateAdbServer.attach`` does."""
        return self.control(ControlRequest(server_port=server_port))
