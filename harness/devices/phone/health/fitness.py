"""Whether a phone is fit to be measured on, and whether it stayed so. Pure decisions.

Source: MLPerf Mobile's rules for cooldown and charge, as our rules for entry and validity take
them up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.devices.phone.health.state import PhoneState, SensorKind, Temperature


@dataclass(frozen=True)
class HealthLimits:
    """What a phone must keep to be measured on.

    Attributes:
        thermal_status: Highest thermal status, 0 to 6.
        battery_celsius: Highest temperature of the battery.
        battery_percent: Lowest charge of the battery.
        warming_celsius: How far above their value at the session's start the skin and the NPU
            may be.
    """

    thermal_status: int = 0
    battery_celsius: float = 37.0
    battery_percent: int = 30
    warming_celsius: float = 2.0


@dataclass(frozen=True)
class Hindrance:
    """Why a phone is not fit.

    Attributes:
        reason: What hinders it, with the number.
        remedy: What a person can do about it.
        passes: Whether waiting may cure it.
    """

    reason: str
    remedy: str
    passes: bool

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


_LET_COOL = "let it cool, out of its case and off the charger"
_LET_CHARGE = "let it charge"


def hindrances(
    state: PhoneState,
    session_start: PhoneState | None,
    limits: HealthLimits,
    other_user: str | None = None,
) -> tuple[Hindrance, ...]:
    """All that keeps a phone from being measured on now; nothing when it is fit.

    Args:
        state: State of the phone now.
        session_start: Its state when the session began; None at that moment.
        limits: What to hold it to.
        other_user: Who else uses the phone now.
    """
    found = [*_beyond_limits(state, limits)]
    if session_start is not None:
        found += _warmed(state, session_start, limits)
    if other_user is None:
        return tuple(found)
    in_use = Hindrance(f"{other_user} uses it too", "wait until they are done", passes=True)
    return (in_use, *found)


def change_during_run(before: PhoneState, after: PhoneState) -> str | None:
    """What changed while a run was measured, so that its figures do not count; None if nothing.

    A governor that lowers a core's limit is the phone slowing down, whatever its thermal status.
    """
    if after.boot_id != before.boot_id:
        return "the phone rebooted"
    was, now = before.thermal.status, after.thermal.status
    if was is not None and now is not None and now > was:
        return f"the thermal status rose from {was} to {now}"
    if before.battery.charging != after.battery.charging:
        return "charging began" if after.battery.charging else "charging ended"
    if before.screen != after.screen:
        return f"the screen went {after.screen}"
    return _slower_core(before, after)


def _slower_core(before: PhoneState, after: PhoneState) -> str | None:
    earlier = {clock.core: clock for clock in before.clocks}
    for clock in after.clocks:
        was = earlier.get(clock.core)
        if was is None:
            continue
        if clock.governor != was.governor:
            return f"the governor of {clock.core} changed from {was.governor} to {clock.governor}"
        if was.limit_khz and clock.limit_khz and clock.limit_khz < was.limit_khz:
            return (
                f"the limit of {clock.core} dropped from {was.limit_khz // 1000} to "
                f"{clock.limit_khz // 1000} MHz"
            )
    return None


def _beyond_limits(state: PhoneState, limits: HealthLimits) -> Iterator[Hindrance]:
    status, battery = state.thermal.status, state.battery
    if status is None:
        yield _untold("thermal status")
    elif status > limits.thermal_status:
        reason = f"its thermal status is {status}, above {limits.thermal_status}"
        yield Hindrance(reason, _LET_COOL, passes=True)
    if battery.celsius is None:
        yield _untold("battery's temperature")
    elif battery.celsius > limits.battery_celsius:
        heat, most = f"{battery.celsius:.1f} °C", f"{limits.battery_celsius:.0f} °C"
        yield Hindrance(f"its battery is at {heat}, above {most}", _LET_COOL, passes=True)
    if battery.level_percent is None:
        yield _untold("battery's charge")
    elif battery.level_percent < limits.battery_percent:
        reason = f"its battery is at {battery.level_percent} %, below {limits.battery_percent} %"
        yield Hindrance(reason, _LET_CHARGE, passes=battery.charging is True)


def _untold(figure: str) -> Hindrance:
    reason = f"it does not tell its {figure}"
    return Hindrance(reason, "measure on a phone that tells", passes=False)


def _warmed(state: PhoneState, session_start: PhoneState, limits: HealthLimits) -> list[Hindrance]:
    cool = {sensor.sensor: sensor.celsius for sensor in _watched(session_start)}
    return [
        Hindrance(
            f"its {sensor.sensor} is at {sensor.celsius:.1f} °C, more than "
            f"{limits.warming_celsius:.0f} °C above the {cool[sensor.sensor]:.1f} °C of the start",
            _LET_COOL,
            passes=True,
        )
        for sensor in _watched(state)
        if sensor.celsius > cool.get(sensor.sensor, sensor.celsius) + limits.warming_celsius
    ]


def _watched(state: PhoneState) -> list[Temperature]:
    watched = (SensorKind.SKIN, SensorKind.NPU)
    return [sensor for sensor in state.thermal.temperatures if sensor.kind in watched]
