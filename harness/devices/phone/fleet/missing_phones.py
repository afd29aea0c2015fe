"""Phones of the inventory that should be there and are not, and one try to bring them back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from harness.devices.lease import lease_folder
from harness.devices.phone.fleet.inventory import Inventory, InventoryPhone
from harness.devices.phone.fleet.phone_lease import PhoneBusy, phone_lease
from harness.devices.phone.fleet.recovery import NotRecovered, RecoveryLimits, run_recover_command
from harness.devices.phone.fleet.request import PhoneRequest
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.found_phone import Discovery

_PAUSE_S = 0.5


def absent_phones(inventory: Inventory, found: Discovery) -> tuple[InventoryPhone, ...]:
    """Phones of the inventory that no server lists under their serial number."""
    there = {phone.serialno for phone in found.phones} | {one.serial for one in found.unusable}
    return tuple(entry for entry in inventory.phone if entry.serialno not in there)


def bring_back_missing(
    request: PhoneRequest,
    found: Discovery,
    find: Callable[[], Discovery],
    limits: RecoveryLimits | None = None,
) -> tuple[Discovery, tuple[str, ...]]:
    """Run the ``recover`` command of phones that are asked for and missing, each once.

    A phone that another session of this machine holds is left to that session.

    Args:
        request: What the session needs; a phone of the inventory is asked for by its SoC if the
            file tells that.
        found: Phones that there are.
        find: Look for phones again.
        limits: When to give up.

    Returns:
        What there is then, and what was tried in vain, as parts of a sentence.
    """
    limits, tried = limits or RecoveryLimits(), list[str]()
    for entry in _missing(request, found):
        if _fitting(request, found) >= request.count:
            break
        try:
            with phone_lease(lease_folder(), [entry.serialno], 0.0):
                run_recover_command(entry, limits)
                found = _wait_for(entry, find, limits)
        except (NotRecovered, PhoneBusy) as reason:
            tried.append(str(reason).removesuffix("."))
    return found, tuple(tried)


def _missing(request: PhoneRequest, found: Discovery) -> Iterator[InventoryPhone]:
    silent = {one.serial for one in found.unusable if one.is_silent}
    missing = {entry.serialno for entry in absent_phones(request.inventory, found)} | silent
    for entry in request.inventory.phone:
        if entry.recover and entry.serialno in missing and _is_asked(entry, request):
            yield entry


def _is_asked(entry: InventoryPhone, request: PhoneRequest) -> bool:
    if request.serialno is not None:
        return entry.serialno == request.serialno
    return request.soc is not None and _has(entry.soc or "", request.soc)


def _fitting(request: PhoneRequest, found: Discovery) -> int:
    if request.serialno is not None:
        return sum(request.serialno in phone.names for phone in found.phones)
    return sum(_has(phone.soc_raw, request.soc or "") for phone in found.phones)


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
        except PhoneFailure as failure:
            last = str(failure)
        else:
            if any(phone.serialno == entry.serialno for phone in found.phones):
                return found
        time.sleep(_PAUSE_S)
    raise NotRecovered(f"{entry.name} did not come back after {entry.recover!r}: {last}")
