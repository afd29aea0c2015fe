"""The state a phone is in before and after a run: what may explain its figures."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Literal

from pydantic import Field

from harness.devices.transport.errors import ConnectionLost
from harness.devices.transport.phone import Commands
from harness.results.rows.basics import Frozen, UtcTime, utc_now

Screen = Literal["on", "off"]


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
    r"Temperature\{mValue=(-?\d[\d.]*(?:E-?\d+)?), mType=(\d+), mName=([^,}]*), mStatus=(\d+)\}"
)
"""A value that is no number, as of a sensor that is off, does not match."""
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
            if int(kind) not in NO_TEMPERATURE
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


class CoreClock(Frozen):
    """How one core is clocked.

    Attributes:
        core: Name of the core, ``cpu0``.
        governor: Who chooses the clock: ``walt``, ``schedutil``.
        limit_khz: Highest clock allowed at present; a hot phone lowers it. None where not told.
    """

    core: str
    governor: str
    limit_khz: int | None


class PhoneState(Frozen):
    """What a phone said of itself at one moment; a field is None where it did not tell.

    Attributes:
        boot_id: Word that changes with each boot.
        build_fingerprint: ``ro.build.fingerprint``, of the software that is installed.
        thermal: Status and temperatures.
        battery: Charge, temperature and source of power.
        screen: Whether it is lit.
        airplane_mode: Whether radios are off.
        clocks: Governor and limit of each core.
        memory_total_mib: Memory of the whole phone.
        memory_available_mib: What a process could get without swapping.
        at: When the answer arrived.
    """

    boot_id: str
    build_fingerprint: str
    thermal: ThermalState
    battery: BatteryState
    screen: Screen | None
    airplane_mode: bool | None
    clocks: tuple[CoreClock, ...]
    memory_total_mib: int | None
    memory_available_mib: int | None
    at: UtcTime = Field(default_factory=utc_now)


_MARK = "-----snapgate "

_SECTIONS = {
    "boot_id": "cat /proc/sys/kernel/random/boot_id",
    "fingerprint": "getprop ro.build.fingerprint",
    "thermal": "dumpsys thermalservice",
    "battery": "dumpsys battery",
    "screen": "dumpsys power | grep -E 'mWakefulness=|Display Power: state='",
    "airplane": "settings get global airplane_mode_on",
    "memory": "grep -E 'MemTotal|MemAvailable' /proc/meminfo",
    "clocks": (
        "for d in /sys/devices/system/cpu/cpu[0-9]*/cpufreq; do "
        "g=; f=; read -r g < $d/scaling_governor; read -r f < $d/scaling_max_freq; "
        '[ -n "$g" ] && echo "$d $g ${f:--}"; done'
    ),
}

STATE_COMMAND = (
    "".join(
        f"echo '{_MARK}{name}'\n( {command}\n) 2>/dev/null\n" for name, command in _SECTIONS.items()
    )
    + "true"
)
"""Asks everything at once: a round trip costs more than most of the answers."""

_CLOCK = re.compile(r"^\S*/(cpu\d+)/cpufreq (\S+) (\d+|-)$", re.MULTILINE)
_WAKEFULNESS = re.compile(r"mWakefulness=(\w+)")
_DISPLAY = re.compile(r"Display Power: state=(\w+)")


def parse_state(answer: str) -> PhoneState:
    """Read the answer to ``STATE_COMMAND``.

    Raises:
        ValueError: If a section or the boot id is missing: no phone answers so.
    """
    sections = _split(answer)
    missing = sorted(_SECTIONS.keys() - sections.keys())
    if missing or not sections["boot_id"]:
        raise ValueError(f"the state lacks {', '.join(missing) or 'the boot id'}")
    return PhoneState(
        boot_id=sections["boot_id"],
        build_fingerprint=sections["fingerprint"],
        thermal=parse_thermal(sections["thermal"]),
        battery=parse_battery(sections["battery"]),
        screen=parse_screen(sections["screen"]),
        airplane_mode={"0": False, "1": True}.get(sections["airplane"]),
        clocks=tuple(
            CoreClock(core=core, governor=governor, limit_khz=None if khz == "-" else int(khz))
            for core, governor, khz in _CLOCK.findall(sections["clocks"])
        ),
        memory_total_mib=_mib(sections["memory"], "MemTotal"),
        memory_available_mib=_mib(sections["memory"], "MemAvailable"),
    )


def parse_screen(text: str) -> Screen | None:
    """Read the lines of ``dumpsys power`` that tell whether the screen is lit."""
    if display := _DISPLAY.search(text):
        return "off" if display[1] == "OFF" else "on"
    if wakefulness := _WAKEFULNESS.search(text):
        return "on" if wakefulness[1] in ("Awake", "Dreaming") else "off"
    return None


def read_state(phone: Commands, total_s: float = 20.0) -> PhoneState:
    """Ask a phone for its state.

    Raises:
        ConnectionLost: If the phone does not answer in time, or not wholly.
    """
    answer = phone.ask(STATE_COMMAND, total_s)
    try:
        return parse_state(answer.stdout)
    except ValueError as error:
        raise ConnectionLost(str(error)) from error


def _split(answer: str) -> dict[str, str]:
    _, *sections = answer.split(_MARK)
    named = (section.partition("\n") for section in sections)
    return {name: text.strip() for name, _, text in named}


def _mib(meminfo: str, name: str) -> int | None:
    found = re.search(rf"^{name}:\s*(\d+) kB", meminfo, re.MULTILINE)
    return int(found[1]) // 1024 if found else None
