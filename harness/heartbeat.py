"""Signs of life of what takes long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

EVERY_S = 30.0
"""Between two lines where nobody looks at a terminal."""


Tell = Callable[[str], None]
"""Shows whoever waits what is being done."""


def tell_nobody(what: str) -> None:
    """Nobody waits."""


class Heartbeat:
    """Shows every so often what goes on, while its block runs.

    Args:
        describe: Says what goes on; empty for nothing worth a line.
        show: Shows it; called from another thread.
        every_s: Seconds between two looks.
    """

    def __init__(
        self, describe: Callable[[], str], show: Callable[[str], None], every_s: float = EVERY_S
    ) -> None:
        self._describe = describe
        self._show = show
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._every_s):
            if told := self._describe():
                self._show(told)


class Pace:
    """How far many alike things are, and how long the rest takes if it takes what the others did.

    Args:
        total: How many there are.
        clock: Seconds since some moment.
    """

    def __init__(self, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._clock = clock
        self._began_s = clock()
        self._done = 0

    def finish_one(self) -> None:
        """One more is done."""
        self._done += 1

    def described(self) -> str:
        """``38 of 1,000, about 12 min left``: which is next; no time before the first is done."""
        number = f"{min(self._done + 1, self._total):,} of {self._total:,}"
        if not self._done:
            return number
        each_s = (self._clock() - self._began_s) / self._done
        return f"{number}, about {_in_words((self._total - self._done) * each_s)} left"


def _in_words(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min"


class Step:
    """What is being done now, and since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._now: tuple[str, float] | None = None

    def begin(self, what: str) -> None:
        """Something begins, and whatever was before it is over."""
        self._now = (what, self._clock())

    def described(self) -> str:
        """``text_decoder: lower, 95 s``; empty before the first step."""
        if self._now is None:
            return ""
        what, since = self._now
        return f"{what}, {self._clock() - since:.0f} s"
