"""What ``dumpsys thermalservice`` and ``dumpsys battery`` say of a phone's heat and charge."""

from __future__ import annotations

import math
import re
from enum import IntEnum

from harness.results.rows.basics import Frozen


class SensorKind(IntEnum):
    """``mType`` of a sensor, of those that tell a temperature of interest here.

    Source: AOSP, ``hardware/interfaces/thermal``, ``TemperatureType``.
    """

    CPU = 0
    GPU = 1
    BATTERY = 2
    SKIN = 3
    NPU = 9


NO_TEMPERATURE = frozenset({6, 7, 8})
"""Kinds of sensors whose values are battery limits (voltage, current, charge)."""


class Temperature(Frozen):
    """One sensor.

    Attributes:
        sensor: The vendor's name, ``skin-therm``.
        kind: Number of its kind; ``SensorKind`` names those of interest.
        celsius: Temperature that it reads.
        status: 0 (nothing done) to 6 (shutdown), as far as this sensor is concerned.
    """

    sensor: str
    kind: int
    celsius: float
    status: int


class ThermalState(Frozen):
    """What the thermal service says.

    Attributes:
        status: 0 none, 1 light, 2 moderate, 3 severe, 4 critical, 5 emergency, 6 shutdown; None
            where the phone tells none.
        temperatures: Read from the sensors when asked.
    """

    status: int | None
    temperatures: tuple[Temperature, ...]


class BatteryState(Frozen):
    """What the battery service says; a field is None where the phone does not tell.

    Attributes:
        level_percent: Charge of the battery.
        celsius: Temperature of the battery.
        charging: Whether it takes up charge. A full battery on a charger does not.
        powered_by: Of ``AC``, ``USB``, ``Wireless`` and ``Dock``.
    """

    level_percent: int | None
    celsius: float | None
    charging: bool | None
    powered_by: tuple[str, ...]


_STATUS = re.compile(r"^\s*Thermal Status:\s*(\d+)", re.MULTILINE)
_CURRENT = re.compile(r"Current temperatures from HAL:\s*((?:\s*Temperature\{.*)*)")
_TEMPERATURE = re.compile(
    r"Temperature\{mValue=([^,]+), mType=(\d+), mName=([^,}]*), mStatus=(\d+)\}"
)
_POWERED = re.compile(r"^\s*(AC|USB|Wireless|Dock) powered: true", re.MULTILINE)

_CHARGING = 2


def parse_thermal(text: str) -> ThermalState:
    """Read ``dumpsys thermalservice``.

    Only what stands under ``Current temperatures from HAL`` counts: the block above it, ``Cached
    temperatures``, holds what each sensor said when it last crossed a threshold.
    """
    status = _STATUS.search(text)
    current = _CURRENT.search(text)
    sensors = _TEMPERATURE.findall(current[1]) if current else []
    return ThermalState(
        status=int(status[1]) if status else None,
        temperatures=tuple(
            Temperature(sensor=name, kind=int(kind), celsius=float(value), status=int(state))
            for value, kind, name, state in sensors
            if int(kind) not in NO_TEMPERATURE and _is_finite(value)
        ),
    )


def parse_battery(text: str) -> BatteryState:
    """Read ``dumpsys battery``, which gives the temperature in tenths of a degree."""
    level, tenths, status = (_number(text, name) for name in ("level", "temperature", "status"))
    return BatteryState(
        level_percent=level,
        celsius=None if tenths is None else tenths / 10,
        charging=None if status is None else status == _CHARGING,
        powered_by=tuple(_POWERED.findall(text)),
    )


def _number(text: str, name: str) -> int | None:
    found = re.search(rf"^\s*{name}:\s*(-?\d+)\s*$", text, re.MULTILINE)
    return int(found[1]) if found else None


def _is_finite(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False
