"""A virtual phone's battery and temperatures, as ``dumpsys`` and ``/sys`` tell them."""

from __future__ import annotations

from pydantic import Field

from harness.results.rows.basics import Frozen

CHARGING, DISCHARGING = 2, 3


class Battery(Frozen):
    """What ``dumpsys battery`` says.

    Attributes:
        level_percent: Charge of the battery.
        temperature_c: Temperature of the battery; printed in tenths.
        status: 2 charging, 3 discharging, 5 full (``BatteryManager``).
        usb_powered: Whether the cable feeds it.
    """

    level_percent: int = Field(default=83, ge=0, le=100)
    temperature_c: float = 31.2
    status: int = Field(default=CHARGING, ge=1, le=5)
    usb_powered: bool = True

    def dump(self) -> str:
        """The service's text."""
        return (
            "Current Battery Service state:\n"
            "  AC powered: false\n"
            f"  USB powered: {str(self.usb_powered).lower()}\n"
            "  Wireless powered: false\n"
            "  Dock powered: false\n"
            "  Max charging current: 500000\n"
            "  Max charging voltage: 5000000\n"
            "  Charge counter: 3500000\n"
            f"  status: {self.status}\n"
            "  health: 2\n"
            "  present: true\n"
            f"  level: {self.level_percent}\n"
            "  scale: 100\n"
            "  voltage: 4210\n"
            f"  temperature: {round(self.temperature_c * 10)}\n"
            "  technology: Li-ion\n"
        )


class Sensor(Frozen):
    """One sensor.

    Attributes:
        name: Name of the sensor.
        kind: Android's type: 0 CPU, 1 GPU, 2 battery, 3 skin, 9 NPU.
        value_c: Temperature that it reads.
        status: Throttling status, 0 to 6.
        zone: Type that ``/sys/class/thermal`` calls it; None where it has no zone there.
    """

    name: str
    kind: int
    value_c: float
    status: int = Field(default=0, ge=0, le=6)
    zone: str | None = None

    def line(self) -> str:
        """As thermalservice prints it."""
        return (
            f"\tTemperature{{mValue={self.value_c}, mType={self.kind}, "
            f"mName={self.name}, mStatus={self.status}}}\n"
        )


_SENSORS = (
    Sensor(name="CPU0", kind=0, value_c=38.1, zone="cpu-0-0-0"),
    Sensor(name="GPU0", kind=1, value_c=36.9, zone="gpuss-0"),
    Sensor(name="battery", kind=2, value_c=31.2),
    Sensor(name="skin", kind=3, value_c=34.0, zone="xo-therm"),
    Sensor(name="ibat", kind=7, value_c=520.0),
    Sensor(name="nsp0", kind=9, value_c=37.4, zone="nspss-0"),
)


class Thermal(Frozen):
    """What ``dumpsys thermalservice`` says.

    Attributes:
        status: Throttling of the whole phone: 0 none, 1 light, 2 moderate, ... 6 shutdown.
        temperatures: Of the sensors, now. The block of cached ones is always 9 degrees hotter,
            so that whoever reads the wrong block is found out.
    """

    status: int = Field(default=0, ge=0, le=6)
    temperatures: tuple[Sensor, ...] = _SENSORS

    def dump(self) -> str:
        """The service's text."""
        stale = (
            sensor.model_copy(update={"value_c": round(sensor.value_c + 9, 1)})
            for sensor in self.temperatures
        )
        return (
            "IsStatusOverride: false\n"
            "ThermalEventListeners:\n\tcallbacks: 2\n\tkilled: false\n"
            "ThermalStatusListeners:\n\tcallbacks: 2\n\tkilled: false\n"
            f"Thermal Status: {self.status}\n"
            f"Cached temperatures:\n{''.join(sensor.line() for sensor in stale)}"
            "HAL Ready: true\n"
            "HAL connection:\n\tThermal HAL 2.0 connected: yes\n"
            "Current temperatures from HAL:\n"
            f"{''.join(sensor.line() for sensor in self.temperatures)}"
            "Current cooling devices from HAL:\n"
        )


SCREEN_ON = "POWER MANAGER (dumpsys power)\n\nPower Manager State:\n  mWakefulness=Awake\n"
