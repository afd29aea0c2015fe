"""Doing something on a phone until it is done, through cuts of the connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.devices.transport.errors import ConnectionLost, DeadlineExceeded, Unreachable
from harness.devices.transport.phone import Commands

Result = TypeVar("Result")

LEAST_TRIES = 4
"""Freed, a phone is found again by the next try and answers the one after; two more to be sure."""


@dataclass(frozen=True)
class RetryLimits:
    """How long a phone is held on to.

    Attributes:
        absence_s: Longest time in which it does nothing that is asked of it.
        shortest_pause_s: Wait before the first try after a cut; each later one is twice as long.
        longest_pause_s: Longest wait between two tries.
        clock: Seconds since some moment; never set back.
        sleep: Waits for so many seconds.
    """

    absence_s: float = 120.0
    shortest_pause_s: float = 0.2
    longest_pause_s: float = 2.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


class Retry:
    """Repeats what a cut spoiled, within a total time, and counts the cuts.

    A phone that stays away for several tries was cut off once. A single try may take longer than a
    phone may be away: one that hangs, or one that lets a server look for the phone again. So no
    phone is given up before ``LEAST_TRIES`` of them, counted anew when the first that hung is
    freed.

    Args:
        total_s: Time for everything together.
        limits: How long the phone may be away within that.
        revive: Called when an answer failed to come in time, before the next try.
        on_drop: Called for each cut.

    Attributes:
        drops: Cuts survived so far.
    """

    def __init__(
        self,
        total_s: float,
        limits: RetryLimits,
        revive: Callable[[], None] = lambda: None,
        on_drop: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits = limits
        self._revive = revive
        self._on_drop = on_drop
        self._deadline = limits.clock() + total_s
        self._total_s = total_s
        self.drops = 0

    @property
    def left_s(self) -> float:
        """Time left; not below 0."""
        return max(0.0, self._deadline - self._limits.clock())

    def pause(self, seconds: float) -> None:
        """Wait, but not beyond the total time."""
        self._limits.sleep(min(seconds, self.left_s))

    def until_done(self, action: Callable[[], Result]) -> Result:
        """Do something; again after each cut.

        Args:
            action: May be done twice: what a cut spoils may have been done nevertheless.

        Raises:
            DeadlineExceeded: If the total time or the longest absence is over.
        """
        pause_s = self._limits.shortest_pause_s
        away_since: float | None = None
        tries, was_freed = 0, False
        while True:
            tries += 1
            try:
                return action()
            except (ConnectionLost, Unreachable) as error:
                if away_since is None:
                    away_since = self._limits.clock()
                    self.drops += 1
                    self._on_drop()
                away_s = self._limits.clock() - away_since
                hung = isinstance(error, DeadlineExceeded)
                if hung and not was_freed:
                    tries, was_freed = 0, True
                is_gone = away_s >= self._limits.absence_s and tries >= LEAST_TRIES
                if self.left_s == 0 or is_gone:
                    raise DeadlineExceeded(self._told(away_s, error)) from error
                if hung:
                    self._revive()
            self.pause(pause_s)
            pause_s = min(2 * pause_s, self._limits.longest_pause_s)

    def _told(self, away_s: float, error: Exception) -> str:
        if self.left_s == 0:
            return f"not done in {self._total_s:.0f} s, with {self.drops} drops: {error}"
        return f"away for {away_s:.0f} s after {self.drops - 1} drops survived: {error}"


def retrying(phone: Commands, total_s: float, limits: RetryLimits | None = None) -> Retry:
    """What repeats things on a phone through cuts, which the phone counts.

    Args:
        phone: Phone that is held on to.
        total_s: Time for everything together.
        limits: How long the phone may be away within that; as usual if not given.
    """

    def note_drop() -> None:
        phone.drops += 1

    return Retry(total_s, limits or RetryLimits(), phone.revive, note_drop)
