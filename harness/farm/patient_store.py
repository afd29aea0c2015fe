"""The store as hosts and nights ask it: again and again, until it answers or they end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness.farm.job_end import JobEnd, StoredFile
from harness.farm.shared_place import StoreUnreachable
from harness.farm.store import FarmStore, OtherStore, StoreDamaged

Answer = TypeVar("Answer")

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
"""Before the store is tried again."""


class Ending(Exception):
    """Whoever asks ends before the store answered; what waits for it is kept."""


class PatientStore:
    """A store that may be gone for a while.

    Args:
        store: The store.
        ending: Set when whoever asks ends.
        identity: What tells the one that is meant from others; None for any.
        tell: Told why it waits, and when that is over.
    """

    def __init__(
        self,
        store: FarmStore,
        ending: threading.Event,
        identity: str | None = None,
        tell: Callable[[str], None] = _LOG.warning,
    ) -> None:
        self._store = store
        self._ending = ending
        self._identity = identity
        self._tell = tell

    @property
    def is_ending(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self._ending.is_set()

    def of(self, identity: str | None) -> PatientStore:
        """The same, but for a store that somebody means."""
        return PatientStore(self._store, self._ending, identity, self._tell)

    def find_end(self, key: str) -> JobEnd | None:
        """As the store's; raises ``Ending`` besides, as all of these."""
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

    def find_ends(self, keys: Iterable[str]) -> dict[str, JobEnd]:
        """As the store's."""
        return self._ask(partial(self._store.find_ends, list(keys)))

    def take(self, keys: Iterable[str]) -> None:
        """As the store's."""
        self._ask(partial(self._store.take, list(keys)))

    def are_taken(self, keys: Iterable[str]) -> bool:
        """As the store's."""
        return self._ask(partial(self._store.are_taken, list(keys)))

    def _check(self) -> None:
        if self._identity is not None:
            self._store.check(self._identity)

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except StoreDamaged:
            # Nothing is damaged where the store was not there.
            self._check()
            raise

    def _ask(self, ask: Callable[[], Answer]) -> Answer:
        pause_s, said = _FIRST_PAUSE_S, ""
        while True:
            try:
                self._check()
                answer = self._asked(ask)
                # What went to a folder whose disk was unmounted meanwhile is below that disk now.
                self._check()
            except (StoreUnreachable, OtherStore) as error:
                if str(error) != said:
                    said = str(error)
                    self._tell(f"{said} It is asked again until then.")
            else:
                if said:
                    self._tell(f"{self._store.url} is there again.")
                return answer
            if self._ending.wait(pause_s):
                raise Ending
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


@contextmanager
def patience(
    store: FarmStore, identity: str | None, tell: Callable[[str], None] = _LOG.warning
) -> Iterator[PatientStore]:
    """A store that is asked again and again until the block ends; arguments as of the class."""
    ending = threading.Event()
    try:
        yield PatientStore(store, ending, identity, tell)
    finally:
        ending.set()
