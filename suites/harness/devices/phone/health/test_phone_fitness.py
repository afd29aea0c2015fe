"""A phone is measured only while it is fit and nobody else uses it."""

from __future__ import annotations

import pytest

from harness.devices.phone.health.gate import DeviceBlocked, Fitness, Patience
from suites.harness.devices.phone.health.states import phone_state


def test_another_user_is_waited_for() -> None:
    users = iter(["bob on lab2", "bob on lab2", None, None])
    waited: list[float] = []
    patience = Patience(clock=lambda: sum(waited), sleep=waited.append)
    fitness = Fitness("A", phone_state, patience=patience, other_user=lambda: next(users))
    with fitness.measuring() as around:
        pass
    assert len(waited) == 2
    assert around.disturbance is None


def test_another_user_who_stays_blocks_the_phone() -> None:
    waited: list[float] = []
    patience = Patience(clock=lambda: sum(waited), sleep=waited.append)
    fitness = Fitness("A", phone_state, patience=patience, other_user=lambda: "bob on lab2")
    with pytest.raises(DeviceBlocked, match="bob on lab2 uses it too"), fitness.measuring():
        pass


def test_a_run_during_which_somebody_took_the_phone_does_not_count() -> None:
    users = iter([None, "bob on lab2"])
    with Fitness("A", phone_state, other_user=lambda: next(users)).measuring() as around:
        pass
    assert around.disturbance == "bob on lab2 took the phone meanwhile"
