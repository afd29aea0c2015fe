"""Phones of the inventory that should be there and are not, and one try to bring them back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.devices.adb.fleet.discovery import Discovery
from harness.devices.adb.fleet.inventory import Inventory, InventoryPhone
from harness.devices.adb.fleet.phone_lease import PhoneBusy, phone_lease
from harness.devices.adb.fleet.recovery import NotRecovered, RecoveryLimits, run_recover_command
from harness.devices.adb.protocol.errors import AdbFailure
from harness.devices.lease import lease_folder

_PAUSE_S = 0.5


@dataclass(frozen=True)
class Asked:
    """What a session asks for.

    Attributes:
        soc: Start of the SoC's name; None for any.
        serialno: Of one phone; None for any.
        count: How many phones it needs.
    """

    soc: str | None
    serialno: str | None
    count: int = 1


def absent_phones(inventory: Inventory, found: Discovery) -> tuple[InventoryPhone, ...]:
    """Phones of the inventory that no server lists under their serial number."""
    there = {phone.serialno for phone in found.phones} | {one.serial for one in found.unusable}
    return tuple(entry for entry in inventory.phone if entry.serialno not in there)


def bring_back_missing(
    inventory: Inventory,
    asked: Asked,
    found: Discovery,
    find: Callable[[], Discovery],
    limits: RecoveryLimits | None = None,
) -> tuple[Discovery, tuple[str, ...]]:
    """Run the ``recover`` command of phones that are asked for and missing, each once.

    A phone that another session of this machine holds is left to that session.

    Args:
        inventory: The laboratory's phones; one is asked for by its SoC if the file tells that.
        asked: What the session needs.
        found: What there is.
        find: Looks again.
        limits: When to give up.

    Returns:
        What there is then, and what was tried in vain, as parts of a sentence.
    """
    limits, tried = limits or RecoveryLimits(), list[str]()
    for entry in _missing(inventory, asked, found):
        if _fitting(asked, found) >= asked.count:
            break
        try:
            with phone_lease(lease_folder(), [entry.serialno], 0.0):
                run_recover_command(entry, limits)
                found = _wait_for(entry, find, limits)
        except (NotRecovered, PhoneBusy) as reason:
            tried.append(str(reason).removesuffix("."))
    return found, tuple(tried)


def _missing(inventory: Inventory, asked: Asked, found: Discovery) -> Iterator[InventoryPhone]:
    silent = {one.serial for one in found.unusable if one.is_silent}
    missing = {entry.serialno for entry in absent_phones(inventory, found)} | silent
    for entry in inventory.phone:
        if entry.recover and entry.serialno in missing and _is_asked(entry, asked):
            yield entry


def _is_asked(entry: InventoryPhone, asked: Asked) -> bool:
    if asked.serialno is not None:
        return entry.serialno == asked.serialno
    return asked.soc is not None and _has(entry.soc or "", asked.soc)


def _fitting(asked: Asked, found: Discovery) -> int:
    if asked.serialno is not None:
        return sum(asked.serialno in phone.names for phone in found.phones)
    return sum(_has(phone.soc_raw, asked.soc or "") for phone in found.phones)


def _has(soc: str, asked: str) -> bool:
    return soc.upper().startswith(asked.upper())


def _wait_for(
    entry: InventoryPhone, find: Callable[[], Discovery], limits: RecoveryLimits
) -> Discovery:
    """What there is as soon as a phone is among it."""
    deadline, last = time.monotonic() + limits.return_s, "it is not listed"
    while time.monotonic() < deadline:
        try:
            found = find()
        except AdbFailure as failure:
            last = str(failure)
        else:
            if any(phone.serialno == entry.serialno for phone in found.phones):
                return found
        time.sleep(_PAUSE_S)
    raise NotRecovered(f"{entry.name} did not come back after {entry.recover!r}: {last}")
