"""When a transport that an adb server calls offline has to be made anew.

A server calls a phone offline until the phone has greeted it, and waits for the greeting for ever.
Over USB and TCP the greeting comes within a second (adb's own ``reconnect offline`` is for the
others); a phone that boots, or a slow network, takes longer, and must not be cut off each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_WAIT_S = 3.0
_FORGOTTEN_S = 10.0
"""Without a look at the phone: that it was offline before says nothing then."""


class GreetingWatch:
    """Notes of each look at a phone whether it is offline, and says when to reconnect it.

    Each wait is twice as long as the one before, until the phone has been seen otherwise.

    Args:
        clock: Seconds since some moment; never set back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wait_s = _FIRST_WAIT_S
        self._since_s: float | None = None
        self._seen_s = 0.0

    def is_overdue(self, *, is_offline: bool) -> bool:
        """Whether the phone has to be reconnected now; a new wait begins if so."""
        now_s = self._clock()
        looked_away = now_s - self._seen_s > _FORGOTTEN_S
        self._seen_s = now_s
        if not is_offline:
            self._since_s, self._wait_s = None, _FIRST_WAIT_S
            return False
        if self._since_s is None or looked_away:
            self._since_s = now_s
            return False
        if now_s - self._since_s < self._wait_s:
            return False
        self._since_s, self._wait_s = None, 2 * self._wait_s
        return True
