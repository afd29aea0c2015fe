"""Battery and temperatures, as a phone tells them."""

from __future__ import annotations

from harness.virtual_phone.machine.condition import DISCHARGING, Battery, Sensor, Thermal
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer
from suites.harness.virtual_phone.client import shell

HOT = Sensor(name="skin", kind=3, value_c=45.5, status=3, zone="xo-therm")


def test_dumpsys_battery_counts_in_tenths(server: PrivateAdbServer, attached: VirtualPhone) -> None:
    attached.set_battery(Battery(level_percent=12, temperature_c=41.7, status=DISCHARGING))
    lines = {line.strip() for line in shell(server, attached, "dumpsys battery").splitlines()}
    assert {"level: 12", "temperature: 417", "status: 3"} <= lines


def test_dumpsys_thermalservice_tells_current_and_stale_temperatures_apart(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.set_thermal(Thermal(status=3, temperatures=(HOT,)))
    dump = shell(server, attached, "dumpsys thermalservice")
    stale, _, current = dump.partition("Current temperatures from HAL:")
    assert "Thermal Status: 3" in dump
    assert "Temperature{mValue=45.5, mType=3, mName=skin, mStatus=3}" in current
    assert "mValue=54.5" in stale


def test_thermal_zones_count_in_thousandths(
    server: PrivateAdbServer, attached: VirtualPhone
) -> None:
    attached.set_thermal(Thermal(temperatures=(HOT,)))
    zone = "/sys/class/thermal/thermal_zone0"
    assert shell(server, attached, f"cat {zone}/type {zone}/temp") == "xo-therm\n45500\n"
    assert shell(server, attached, "ls /sys/class/thermal") == "thermal_zone0\n"
