"""The phones at a host: which are there, and how one is given back that a job died on."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.artifacts.atomic_file import write_text
from harness.devices.lease import lease_folder
from harness.devices.phone.exclusive_use import PhoneBusy, held
from harness.devices.phone.fleet.inventory import Inventory
from harness.devices.phone.fleet.labgrid_lock import PlaceTaken
from harness.devices.phone.fleet.phone_claim import PhoneClaimed
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.found_phone import Discovery, FoundPhone
from harness.errors import UserError
from harness.farm.demand import OfferedPhone

FindPhones = Callable[[], Discovery]

_LOG = logging.getLogger(__name__)


class HostPhones:
    """Phones of one host.

    Args:
        find: What finds them; None for a host without.
        inventory: The laboratory's phones, whose labels jobs may ask for.
        record: File that says which phones are to be given back; whoever is next reads it.
    """

    def __init__(self, find: FindPhones | None, inventory: Inventory, record: Path) -> None:
        self._find = find
        self._inventory = inventory
        self._record = record
        self._left = Counter(_read(record))
        self._lock = threading.Lock()

    def offered(self) -> tuple[OfferedPhone, ...]:
        """Those that are there now; one that takes no jobs says why."""
        return tuple(self._offered())

    def leave(self, serialno: str) -> None:
        """Note that a session died which used a phone; ``give_back_left`` sees to it."""
        with self._lock:
            self._left[serialno] += 1
            self._write()

    def give_back_left(self) -> None:
        """End what dead sessions left running on phones, and their claims with it.

        A claim would otherwise keep every other machine off the phone until it was silent for long
        enough. What cannot be done now is tried again the next time.
        """
        with self._lock:
            left = dict(self._left)
        if not left:
            return
        for one in self._found().phones:
            if one.serialno in left and self._is_given_back(one):
                with self._lock:
                    # Another may have died there meanwhile.
                    if self._left[one.serialno] == left[one.serialno]:
                        del self._left[one.serialno]
                    self._write()

    def _write(self) -> None:
        """Tell whoever is next; without room for that this process still knows."""
        try:
            write_text(self._record, json.dumps(sorted(self._left)))
        except OSError as error:
            _LOG.warning("%s cannot be written: %s", self._record, error)

    def _is_given_back(self, found: FoundPhone) -> bool:
        """Whether a phone is free now, or another's matter."""
        entry = self._inventory.entry(found.serialno)
        place = entry.labgrid if entry else None
        try:
            with held(found.phone, found.serialno, lease_folder(), wait_s=0, place=place):
                return True
        except (PhoneClaimed, PlaceTaken):
            return True
        except PhoneBusy:
            # Whoever of this machine has it gives it back, unless that dies, too.
            return False
        except (PhoneFailure, UserError) as error:
            _LOG.warning("%s cannot be given back yet: %s", found.serialno, error)
            return False

    def _offered(self) -> Iterator[OfferedPhone]:
        for one in self._found().phones:
            entry = self._inventory.entry(one.serialno)
            yield OfferedPhone(
                serialno=one.serialno,
                soc=one.soc,
                labels=frozenset(entry.labels if entry is not None else ()),
                aside=entry.aside if entry is not None else None,
            )

    def _found(self) -> Discovery:
        if self._find is None:
            return Discovery((), ())
        try:
            return self._find()
        except (PhoneFailure, UserError) as error:
            _LOG.warning("no phone of this host can be looked for: %s", error)
            return Discovery((), ())


def _read(record: Path) -> list[str]:
    """Phones that an earlier process did not give back."""
    try:
        read = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        _LOG.warning("%s, of phones to be given back, cannot be read: %s", record, error)
        return []
    return [str(one) for one in read] if isinstance(read, list) else []
