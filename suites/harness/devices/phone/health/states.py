"""States of phones, to vary in tests."""

from __future__ import annotations

from harness.devices.phone.health.state import (
    BatteryState,
    CoreClock,
    PhoneState,
    Temperature,
    ThermalState,
)


def phone_state(
    *,
    thermal_status: int | None = 0,
    skin_celsius: float = 34.0,
    npu_celsius: float = 36.0,
    cpu_celsius: float = 40.0,
    battery_celsius: float | None = 30.0,
    battery_percent: int | None = 80,
    charging: bool = False,
    screen: str = "off",
    boot_id: str = "first",
    governor: str = "walt",
    limit_khz: int = 2_000_000,
) -> PhoneState:
    """A phone that is fit to be measured on, but for what is said otherwise."""
    sensors = (("skin-therm", 3, skin_celsius), ("nsp0", 9, npu_celsius), ("CPU0", 0, cpu_celsius))
    return PhoneState(
        boot_id=boot_id,
        build_fingerprint="vendor/phone:14",
        thermal=ThermalState(
            status=thermal_status,
            temperatures=tuple(
                Temperature(sensor=name, kind=kind, celsius=celsius, status=0)
                for name, kind, celsius in sensors
            ),
        ),
        battery=BatteryState(
            level_percent=battery_percent,
            celsius=battery_celsius,
            charging=charging,
            powered_by=("USB",) if charging else (),
        ),
        screen="on" if screen == "on" else "off",
        airplane_mode=True,
        clocks=(CoreClock(core="cpu0", governor=governor, limit_khz=limit_khz),),
        memory_total_mib=12_000,
        memory_available_mib=6_000,
    )
