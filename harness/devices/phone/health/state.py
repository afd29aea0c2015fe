"""The state a phone is in before and after a run: what may explain its figures."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from harness.devices.phone.health.thermal import (
    BatteryState,
    ThermalState,
    parse_battery,
    parse_thermal,
)
from harness.devices.transport.errors import ConnectionLost
from harness.devices.transport.phone import Commands
from harness.results.rows.basics import Frozen, UtcTime, utc_now

Screen = Literal["on", "off"]


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

    Args:
        phone: Phone that is asked.
        total_s: Time for the answer.

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
