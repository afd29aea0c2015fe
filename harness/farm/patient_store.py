"""The store as a host asks it: again and again, until it answers or the host ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness.farm.job_end import JobEnd, StoredFile
from harness.farm.store import FarmStore, StoreUnreachable

Answer = TypeVar("Answer")

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
"""Before the store is tried again."""


class HostEnding(Exception):
    """The host ends before the store answered; what waits for it is kept."""


class PatientStore:
    """A store that may be gone for a while.

    Args:
        store: The store.
        ending: Set when the host ends.
    """

    def __init__(self, store: FarmStore, ending: threading.Event) -> None:
        self._store = store
        self._ending = ending

    def find_end(self, key: str) -> JobEnd | None:
        """As the store's; raises ``HostEnding`` besides, as all of these."""
        return self._ask(partial(self._store.find_end, key))

    def put_end(self, end: JobEnd) -> JobEnd:
        """As the store's."""
        return self._ask(partial(self._store.put_end, end))

    def put_file(self, source: Path) -> StoredFile:
        """As the store's."""
        return self._ask(partial(self._store.put_file, source))

    def fetch(self, stored: StoredFile, target: Path) -> None:
        """As the store's."""
        self._ask(partial(self._store.fetch, stored, target))

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return ask()
            except StoreUnreachable as error:
                _LOG.warning("%s Trying again in %.0f s.", error, pause_s)
            if self._ending.wait(pause_s):
                raise HostEnding
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
