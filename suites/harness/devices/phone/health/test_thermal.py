"""Reading a phone's heat and charge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.phone.health.state import SensorKind, parse_battery, parse_thermal

THERMAL = """\
IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 2
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 3
Thermal Status: 1
Cached temperatures:
\tTemperature{mValue=51.0, mType=0, mName=CPU0, mStatus=1}
\tTemperature{mValue=47.7, mType=3, mName=skin-therm, mStatus=2}
HAL Ready: true
HAL connection:
\tThermalHAL AIDL 1  connected: yes
Current temperatures from HAL:
\tTemperature{mValue=38.1, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=31.2, mType=2, mName=battery, mStatus=0}
\tTemperature{mValue=36.2, mType=3, mName=skin-therm, mStatus=0}
\tTemperature{mValue=4210.0, mType=6, mName=vbat, mStatus=0}
\tTemperature{mValue=NaN, mType=1, mName=GPU0, mStatus=0}
\tTemperature{mValue=39.9, mType=9, mName=nsp0, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
Temperature static thresholds from HAL:
\tTemperatureThreshold{mType=3, mName=skin-therm, mHotThrottlingThresholds=[NaN, 40.0, 42.0]}
"""

BATTERY = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Dock powered: false
  Max charging current: 500000
  Charge counter: 3500000
  status: 2
  health: 2
  present: true
  level: 83
  scale: 100
  voltage: 4210
  temperature: 312
  technology: Li-ion
"""


def test_temperatures_are_those_of_now_and_not_the_cached_ones() -> None:
    sensors = {sensor.sensor: sensor.celsius for sensor in parse_thermal(THERMAL).temperatures}
    assert sensors["CPU0"] == 38.1
    assert sensors["skin-therm"] == 36.2


def test_battery_limits_and_sensors_without_a_value_are_no_temperatures() -> None:
    kinds = [sensor.kind for sensor in parse_thermal(THERMAL).temperatures]
    assert kinds == [SensorKind.CPU, SensorKind.BATTERY, SensorKind.SKIN, SensorKind.NPU]


def test_the_thermal_status_is_that_of_the_whole_phone() -> None:
    assert parse_thermal(THERMAL).status == 1


@pytest.mark.parametrize("text", ["", "Can't find service: thermalservice\n"])
def test_a_phone_without_a_thermal_service_tells_nothing(text: str) -> None:
    state = parse_thermal(text)
    assert state.status is None
    assert state.temperatures == ()


def test_the_cached_block_never_stands_in_for_the_current_one() -> None:
    cached_only = THERMAL.partition("Current temperatures")[0]
    assert parse_thermal(cached_only).temperatures == ()


def test_the_current_block_may_be_the_last_one() -> None:
    last = THERMAL.partition("Current cooling")[0]
    assert len(parse_thermal(last).temperatures) == 4


@given(st.text().filter(lambda text: "Temperature" not in text))
def test_text_that_names_no_sensor_yields_no_temperature(text: str) -> None:
    assert parse_thermal(f"Current temperatures from HAL:\n{text}").temperatures == ()


def test_the_battery_tells_charge_temperature_and_source_of_power() -> None:
    battery = parse_battery(BATTERY)
    assert battery.level_percent == 83
    assert battery.celsius == 31.2
    assert battery.charging is True
    assert battery.powered_by == ("USB",)


def test_a_full_battery_on_its_charger_does_not_charge() -> None:
    battery = parse_battery(BATTERY.replace("status: 2", "status: 5"))
    assert battery.charging is False
    assert battery.powered_by == ("USB",)


def test_a_frozen_battery_is_below_zero() -> None:
    assert parse_battery(BATTERY.replace("312", "-45")).celsius == -4.5


def test_what_the_battery_does_not_tell_is_unknown() -> None:
    battery = parse_battery("Can't find service: battery\n")
    assert (battery.level_percent, battery.celsius, battery.charging) == (None, None, None)
