"""Measuring a phone only while it is fit, and knowing what changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.adb.health.fitness import HealthLimits, change_during_run
from harness.devices.adb.health.gate import Patience, wait_until_fit
from harness.devices.adb.health.state import PhoneState
from harness.devices.device import Surroundings


class Fitness:
    """Health of one phone over a session.

    Args:
        serialno: For messages.
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

    @contextmanager
    def measuring(self) -> Iterator[Surroundings]:
        """Wait until the phone is fit, then tell what it says before and after the block.

        Raises:
            DeviceBlocked: If it is not fit in time.
            AdbFailure: If it is gone.
        """
        before = wait_until_fit(
            self._serialno,
            self._look,
            self._session_start,
            self._limits,
            self._patience,
            self._other_user,
        )
        self._session_start = self._session_start or before
        around = Surroundings(before=before.model_dump(mode="json"))
        yield around
        after = self._look()
        around.after = after.model_dump(mode="json")
        around.disturbance = self._taken_over() or change_during_run(before, after)

    def _taken_over(self) -> str | None:
        other = self._other_user()
        return None if other is None else f"{other} took the phone meanwhile"
