"""Measuring a phone only while it is fit, and knowing what changed meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.devices.device import Surroundings
from harness.devices.phone.health.fitness import (
    HealthLimits,
    Hindrance,
    change_during_run,
    hindrances,
)
from harness.devices.phone.health.state import PhoneState


class DeviceBlocked(Exception):
    """A device is not fit to be measured on: neither a pass nor a failure of what is tested.

    Attributes:
        device: Serial number of the phone.
        hindrances: Why it is not fit.
        waited_s: Time spent waiting for it.
        state: What it said of itself last.
    """

    def __init__(
        self, device: str, hindrances: tuple[Hindrance, ...], waited_s: float, state: PhoneState
    ) -> None:
        super().__init__(device, hindrances, waited_s, state)
        self.device = device
        self.hindrances = hindrances
        self.waited_s = waited_s
        self.state = state

    def __str__(self) -> str:
        reasons = ", and ".join(str(hindrance) for hindrance in self.hindrances)
        return f"{self.device} is not fit to be measured on after {self.waited_s:.0f} s: {reasons}"


@dataclass(frozen=True)
class Patience:
    """How to wait.

    Attributes:
        total_s: Time after which a phone counts as blocked.
        interval_s: Time between two looks. Each one takes some CPU, which warms the phone.
        clock: Seconds since some moment; never set back.
        sleep: Waits for so many seconds.
    """

    total_s: float = 600.0
    interval_s: float = 10.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Fitness:
    """Health of one phone over a session.

    Args:
        serialno: Serial number for messages.
        look: Reads the phone's state.
        limits: What to hold it to.
        patience: How long to wait until it is fit.
        other_user: Tells who else uses the phone.
    """

    def __init__(
        self,
        serialno: str,
        look: Callable[[], PhoneState],
        limits: HealthLimits | None = None,
        patience: Patience | None = None,
        other_user: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._serialno = serialno
        self._look = look
        self._limits = limits or HealthLimits()
        self._patience = patience or Patience()
        self._other_user = other_user
        self._session_start: PhoneState | None = None

    def wait(self) -> PhoneState:
        """Wait until the phone is fit, as long as waiting may help.

        Returns:
            The state in which it was found fit; the first one is the session's start.

        Raises:
            DeviceBlocked: If it is not fit in time, or waiting cannot make it so.
        """
        patience = self._patience
        began = patience.clock()
        while True:
            state = self._look()
            found = hindrances(state, self._session_start, self._limits, self._other_user())
            if not found:
                self._session_start = self._session_start or state
                return state
            waited_s = patience.clock() - began
            hopeless = tuple(hindrance for hindrance in found if not hindrance.passes)
            if hopeless or waited_s >= patience.total_s:
                raise DeviceBlocked(self._serialno, hopeless or found, waited_s, state)
            patience.sleep(min(patience.interval_s, patience.total_s - waited_s))

    @contextmanager
    def measuring(self) -> Iterator[Surroundings]:
        """Wait until the phone is fit, then tell what it says before and after the block.

        Raises:
            DeviceBlocked: If it is not fit in time.
            PhoneFailure: If it is gone.
        """
        before = self.wait()
        around = Surroundings(before=before.model_dump(mode="json"))
        yield around
        after = self._look()
        around.after = after.model_dump(mode="json")
        around.disturbance = self._taken_over() or change_during_run(before, after)

    def _taken_over(self) -> str | None:
        other = self._other_user()
        return None if other is None else f"{other} took the phone meanwhile"
