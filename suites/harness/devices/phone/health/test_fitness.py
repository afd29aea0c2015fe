"""When a phone is fit to be measured on, and how long one waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.devices.phone.health.fitness import HealthLimits, change_during_run, hindrances
from harness.devices.phone.health.gate import DeviceBlocked, Fitness, Patience
from harness.devices.phone.health.state import PhoneState
from suites.harness.devices.phone.health.states import phone_state

START = phone_state()
LIMITS = HealthLimits()


def reasons(state: PhoneState, other_user: str | None = None) -> list[str]:
    return [hindrance.reason for hindrance in hindrances(state, START, LIMITS, other_user)]


def test_a_cool_charged_phone_of_nobody_else_is_fit() -> None:
    assert reasons(phone_state()) == []


def test_the_limits_themselves_are_fit() -> None:
    assert reasons(phone_state(battery_celsius=37.0, battery_percent=30, skin_celsius=36.0)) == []


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (phone_state(thermal_status=1), "its thermal status is 1, above 0"),
        (phone_state(battery_celsius=37.1), "its battery is at 37.1 °C, above 37 °C"),
        (phone_state(battery_percent=29), "its battery is at 29 %, below 30 %"),
        (
            phone_state(npu_celsius=38.5),
            "its nsp0 is at 38.5 °C, more than 2 °C above the 36.0 °C of the start",
        ),
        (
            phone_state(skin_celsius=36.5),
            "its skin-therm is at 36.5 °C, more than 2 °C above the 34.0 °C of the start",
        ),
        (phone_state(thermal_status=None), "it does not tell its thermal status"),
        (phone_state(battery_celsius=None), "it does not tell its battery's temperature"),
        (phone_state(battery_percent=None), "it does not tell its battery's charge"),
    ],
)
def test_what_hinders_is_told_with_its_number(state: PhoneState, reason: str) -> None:
    assert reasons(state) == [reason]


def test_somebody_else_on_the_phone_hinders() -> None:
    assert reasons(phone_state(), "lab7, session 12") == ["lab7, session 12 uses it too"]


def test_a_warm_processor_alone_hinders_nothing() -> None:
    assert reasons(phone_state(cpu_celsius=80.0)) == []


def test_before_a_session_has_a_start_no_warming_is_judged() -> None:
    assert hindrances(phone_state(skin_celsius=41.0), None, LIMITS) == ()


def test_all_that_hinders_is_told_at_once() -> None:
    assert len(reasons(phone_state(thermal_status=2, battery_percent=5, skin_celsius=45.0))) == 3


@given(
    cooler=st.floats(20, 60),
    warmer=st.floats(0, 20),
    percent=st.integers(0, 100),
)
def test_a_warmer_phone_is_never_fitter(cooler: float, warmer: float, percent: int) -> None:
    cool = phone_state(skin_celsius=cooler, battery_celsius=cooler, battery_percent=percent)
    warm = phone_state(
        skin_celsius=cooler + warmer, battery_celsius=cooler + warmer, battery_percent=percent
    )
    assert len(reasons(warm)) >= len(reasons(cool))


def test_a_run_that_changes_nothing_counts() -> None:
    assert change_during_run(START, phone_state(skin_celsius=39.0)) is None


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (phone_state(boot_id="second"), "the phone rebooted"),
        (phone_state(thermal_status=2), "the thermal status rose from 0 to 2"),
        (phone_state(charging=True), "charging began"),
        (phone_state(screen="on"), "the screen went on"),
        (phone_state(governor="powersave"), "the governor of cpu0 changed from walt to powersave"),
        (phone_state(limit_khz=1_500_000), "the limit of cpu0 dropped from 2000 to 1500 MHz"),
    ],
)
def test_what_changes_during_a_run_voids_it(after: PhoneState, reason: str) -> None:
    assert change_during_run(START, after) == reason


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds

    def patience(self) -> Patience:
        return Patience(total_s=600.0, clock=lambda: self.now_s, sleep=self.sleep)


def in_session(states: Iterable[PhoneState], clock: Clock) -> Fitness:
    """A phone that the session found fit at its start, and what it says of itself later."""
    looks = chain([START], states)
    fitness = Fitness("XYZ", lambda: next(looks), LIMITS, clock.patience())
    assert fitness.wait() is START
    return fitness


def test_a_phone_is_waited_for_until_it_has_cooled() -> None:
    clock, cool = Clock(), phone_state()
    states = iter([phone_state(thermal_status=2), phone_state(thermal_status=1), cool])

    found = in_session(states, clock).wait()

    assert found is cool
    assert clock.now_s == 20.0


def test_a_phone_that_stays_hot_is_blocked_after_ten_minutes() -> None:
    clock, hot = Clock(), repeat(phone_state(thermal_status=3))

    with pytest.raises(DeviceBlocked) as blocked:
        in_session(hot, clock).wait()

    assert clock.now_s == 600.0
    assert str(blocked.value) == (
        "XYZ is not fit to be measured on after 600 s: its thermal status is 3, above 0; "
        "let it cool, out of its case and off the charger"
    )


def test_nobody_waits_for_what_waiting_cannot_cure() -> None:
    clock, empty = Clock(), repeat(phone_state(battery_percent=10, thermal_status=1))

    with pytest.raises(DeviceBlocked, match="10 %, below 30 %"):
        in_session(empty, clock).wait()

    assert clock.now_s == 0.0


def test_an_empty_battery_on_its_charger_is_waited_for() -> None:
    clock = Clock()
    states = iter([phone_state(battery_percent=29, charging=True), phone_state(charging=True)])

    in_session(states, clock).wait()

    assert clock.now_s == 10.0
