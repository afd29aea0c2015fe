"""What this host offers a farm: looked at as the doctor does, again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from harness.backends.qnn.probe import probe_qnn
from harness.errors import UserError
from harness.farm.demand import Host
from harness.farm.host_phones import HostPhones
from harness.farm.shared_place import StoreUnreachable
from harness.farm.store import FarmStore
from harness.processors import usable_processors
from harness.results.provenance import working_tree

_LOG = logging.getLogger(__name__)
_LOOK_FOR_STORE_S = 1.0
_LOOK_EVERY = 10
"""Looks for a store that is not there, to one at all else."""
_SPARE = 0.8
"""Share of the memory that jobs may count on."""
_GIB = 1 << 30


class HostOffer:
    """Looks after the host's phones for as long as the block lasts.

    Args:
        name: Of the host, unique in the farm.
        root: Clone that jobs are run from.
        phones: Its phones.
        store: What it shares with other hosts.
        qnn_dir: QNN's libraries; None for those in the usual places.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        phones: HostPhones,
        store: FarmStore,
        qnn_dir: Path | None,
    ) -> None:
        self._root = root
        self._phones = phones
        self._store = store
        self._ended = threading.Event()
        self._host = Host(
            name=name,
            cores=usable_processors(),
            memory_gib=psutil.virtual_memory().total * _SPARE / _GIB,
            qnn=_qnn_build(qnn_dir),
            commit=working_tree(root),
        )

    @property
    def host(self) -> Host:
        """What it offers, as of the last look."""
        return self._host

    def __enter__(self) -> HostOffer:
        self.look()
        for again in (self._look_again, self._give_back_again):
            threading.Thread(target=again, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended.set()

    def look(self) -> None:
        """Look which phones and which store are there now, and which commit jobs would be of."""
        changes = {
            "commit": working_tree(self._root),
            "phones": self._phones.offered(),
            "store": self._reached_store(),
        }
        self._host = self._host.model_copy(update=changes)

    def _reached_store(self) -> str | None:
        try:
            return self._store.identity()
        except StoreUnreachable as error:
            _LOG.warning("%s", error)
            return None

    def has_phone(self, serialno: str) -> bool:
        """Whether a phone is there, looked at now; one that takes no jobs counts."""
        return any(phone.serialno == serialno for phone in self._phones.offered())

    def _look_again(self) -> None:
        looks = 0
        while not self._ended.wait(_LOOK_FOR_STORE_S):
            looks += 1
            is_due = looks % _LOOK_EVERY == 0
            if is_due or self._host.store is None:
                self._guarded(self.look if is_due else self._look_for_store)

    def _look_for_store(self) -> None:
        """Nothing can begin until it is there, and to look for more takes of what is measured."""
        self._host = self._host.model_copy(update={"store": self._reached_store()})

    def _give_back_again(self) -> None:
        while not self._ended.wait(_LOOK_FOR_STORE_S * _LOOK_EVERY):
            self._guarded(self._phones.give_back_left)

    def _guarded(self, look: Callable[[], None]) -> None:
        """Look, and whatever that fails with, look again the next time."""
        try:
            look()
        except Exception:
            _LOG.exception("a look at this host failed")


def _qnn_build(qnn_dir: Path | None) -> str | None:
    try:
        return probe_qnn(qnn_dir).build_id
    except UserError:
        return None
