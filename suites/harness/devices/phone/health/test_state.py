"""Reading the state of a phone from one answer."""

from __future__ import annotations

import subprocess

import pytest

from harness.devices.phone.health.state import (
    STATE_COMMAND,
    CoreClock,
    PhoneState,
    parse_screen,
    parse_state,
)

ANSWER = """\
-----snapgate boot_id
0a8f6c1e-3b7d-4a55-9d6e-1f7b1d1c0a11
-----snapgate fingerprint
vendor/phone/phone:14/UP1A/1:user/release-keys
-----snapgate thermal
Thermal Status: 0
Current temperatures from HAL:
\tTemperature{mValue=36.2, mType=3, mName=skin-therm, mStatus=0}
-----snapgate battery
  USB powered: true
  status: 2
  level: 83
  temperature: 312
-----snapgate screen
  mWakefulness=Asleep
-----snapgate airplane
1
-----snapgate memory
MemTotal:       11534336 kB
MemAvailable:    6291456 kB
-----snapgate clocks
/sys/devices/system/cpu/cpu0/cpufreq walt 2016000
/sys/devices/system/cpu/cpu7/cpufreq walt -
"""


def test_one_answer_tells_the_whole_state() -> None:
    state = parse_state(ANSWER)

    assert state.boot_id == "0a8f6c1e-3b7d-4a55-9d6e-1f7b1d1c0a11"
    assert state.build_fingerprint == "vendor/phone/phone:14/UP1A/1:user/release-keys"
    assert state.thermal.temperatures[0].celsius == 36.2
    assert state.battery.level_percent == 83
    assert state.screen == "off"
    assert state.airplane_mode is True
    assert (state.memory_total_mib, state.memory_available_mib) == (11264, 6144)
    assert state.clocks == (
        CoreClock(core="cpu0", governor="walt", limit_khz=2016000),
        CoreClock(core="cpu7", governor="walt", limit_khz=None),
    )


def test_a_state_travels_as_json() -> None:
    state = parse_state(ANSWER)
    assert PhoneState.model_validate_json(state.model_dump_json()) == state


def test_an_answer_that_was_cut_is_no_state() -> None:
    with pytest.raises(ValueError, match="lacks clocks, memory"):
        parse_state(ANSWER.partition("-----snapgate memory")[0])


def test_a_phone_that_tells_only_its_boot_is_otherwise_unknown() -> None:
    marks = "".join(line for line in ANSWER.splitlines(keepends=True) if line.startswith("-----"))
    state = parse_state(marks.replace("boot_id\n", "boot_id\nabc\n"))
    assert (state.screen, state.airplane_mode, state.memory_total_mib) == (None, None, None)
    assert state.thermal.status is None
    assert state.clocks == ()


@pytest.mark.parametrize(
    ("text", "screen"),
    [
        ("  mWakefulness=Awake\nDisplay Power: state=ON\n", "on"),
        ("  mWakefulness=Awake\nDisplay Power: state=OFF\n", "off"),
        ("Display Power: state=DOZE\n", "on"),
        ("  mWakefulness=Dozing\n", "off"),
        ("  mWakefulness=Awake\n", "on"),
        ("", None),
    ],
)
def test_the_screen_is_lit_or_dark(text: str, screen: str | None) -> None:
    assert parse_screen(text) == screen


def test_any_shell_answers_every_section_whether_or_not_it_knows_the_tools() -> None:
    answer = subprocess.run(["sh", "-c", STATE_COMMAND], capture_output=True, text=True, check=True)
    assert len(parse_state(answer.stdout).boot_id) == 36
    assert answer.stderr == ""
