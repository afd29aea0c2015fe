"""What this host offers a farm: looked at as the doctor does, again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from harness.backends.qnn.probe import probe_qnn
from harness.devices.phone.fleet.inventory import Inventory
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.found_phone import Discovery
from harness.errors import UserError
from harness.farm.demand import Host, OfferedPhone
from harness.processors import usable_processors
from harness.results.provenance import working_tree

FindPhones = Callable[[], Discovery]

_LOG = logging.getLogger(__name__)
_LOOK_S = 10.0
_SPARE = 0.8
"""Share of the memory that jobs may count on."""
_GIB = 1 << 30


class HostOffer:
    """Looks after the host's phones for as long as the block lasts.

    Args:
        name: Of the host, unique in the farm.
        root: Clone that jobs are run from.
        find_phones: What finds the phones; None for a host without.
        inventory: The laboratory's phones, whose labels jobs may ask for.
        qnn_dir: QNN's libraries; None for those in the usual places.
    """

    def __init__(
        self,
        name: str,
        root: Path,
        find_phones: FindPhones | None,
        inventory: Inventory,
        qnn_dir: Path | None,
    ) -> None:
        self._root = root
        self._find_phones = find_phones
        self._inventory = inventory
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
        threading.Thread(target=self._look_again, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended.set()

    def look(self) -> None:
        """Look which phones are there now, and which commit jobs would be run from."""
        changes: dict[str, object] = {"commit": working_tree(self._root)}
        if self._find_phones is not None:
            changes["phones"] = tuple(self._phones(self._find_phones))
        self._host = self._host.model_copy(update=changes)

    def _phones(self, find: FindPhones) -> Iterator[OfferedPhone]:
        try:
            found = find()
        except (PhoneFailure, UserError) as error:
            _LOG.warning("no phone of this host can be looked for: %s", error)
            return
        for one in found.phones:
            entry = self._inventory.entry(one.serialno)
            yield OfferedPhone(
                serialno=one.serialno,
                soc=one.soc,
                labels=frozenset(entry.labels if entry is not None else ()),
                aside=entry.aside if entry is not None else None,
            )

    def has_phone(self, serialno: str) -> bool:
        """Whether a phone is there, looked at now; one that takes no jobs counts."""
        self.look()
        return any(phone.serialno == serialno for phone in self._host.phones)

    def _look_again(self) -> None:
        while not self._ended.wait(_LOOK_S):
            self.look()


def _qnn_build(qnn_dir: Path | None) -> str | None:
    try:
        return probe_qnn(qnn_dir).build_id
    except UserError:
        return None
