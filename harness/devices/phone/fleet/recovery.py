"""Bringing phones back that are gone: in the middle of a session, or before it begins."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from harness.devices.lease import lease_folder
from harness.devices.phone.exclusive_use import PhoneBusy, phone_lease
from harness.devices.phone.fleet.inventory import Inventory, InventoryPhone
from harness.devices.phone.fleet.phone_selection import PhoneRequest
from harness.devices.transport.errors import ConnectionLost, PhoneFailure, Unreachable
from harness.devices.transport.found_phone import Discovery
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import Retry, RetryLimits
from harness.finished_program import run_to_end

_ASK_S = 5.0
_PAUSE_S = 0.5
_LAST_WORDS = 200

Result = TypeVar("Result")


class NotRecovered(PhoneFailure):
    """A phone stayed away; the text says what was tried."""


@dataclass(frozen=True)
class RecoveryLimits:
    """How long a recovery may take.

    Attributes:
        command_s: Time for the command.
        return_s: Time from its end until the phone answers, a reboot included.
    """

    command_s: float = 60.0
    return_s: float = 120.0


class Recovery:
    """Runs a phone's ``recover`` command, once in a session.

    Args:
        entry: What the inventory says of the phone; None if it does not know it.
        limits: When to give up.
    """

    def __init__(self, entry: InventoryPhone | None, limits: RecoveryLimits | None = None) -> None:
        self._entry = entry
        self._limits = limits or RecoveryLimits()
        self._is_tried = False

    def rescue(
        self, phone: Commands, action: Callable[[], Result], again: Callable[[], Result]
    ) -> Result:
        """Do something; where the phone is gone and has a command, bring it back and do ``again``.

        Raises:
            NotRecovered: If the phone is gone and the command does not bring it back.
            PhoneFailure: As the action raises it where there is no command, or it was tried before.
        """
        try:
            return action()
        except (ConnectionLost, Unreachable) as failure:
            if self._is_tried or self._entry is None or self._entry.recover is None:
                raise
            try:
                self.bring_back(phone)
            except NotRecovered as reason:
                raise NotRecovered(f"{failure}; {reason}") from failure
        return again()

    def bring_back(self, phone: Commands) -> None:
        """Run the command and wait until the phone answers.

        Raises:
            NotRecovered: If there is no command, it was tried before, it fails, or the phone does
                not answer after it.
        """
        if self._entry is None or self._entry.recover is None:
            raise NotRecovered(f"phones.toml has no recover command for {phone.serial}")
        command = self._entry.recover
        if self._is_tried:
            raise NotRecovered(f"{command!r} was tried before")
        self._is_tried = True
        run_recover_command(self._entry, self._limits)
        retry_limits = RetryLimits(absence_s=self._limits.return_s)
        retry = Retry(self._limits.return_s, retry_limits)
        try:
            retry.until_done(lambda: phone.ask("true", _ASK_S))
        except PhoneFailure as error:
            raise NotRecovered(f"after {command!r} it still does not answer: {error}") from error


def run_recover_command(entry: InventoryPhone, limits: RecoveryLimits) -> None:
    """Run a phone's ``recover`` command; no shell reads it.

    Args:
        entry: Entry of the phone, whose serial number the command finds in ``SNAPGATE_SERIALNO``.
        limits: How long it may take.

    Raises:
        NotRecovered: If there is none, it may not be run, or it fails.
    """
    command = entry.recover
    if command is None:
        raise NotRecovered(f"phones.toml has no recover command for {entry.name}")
    if entry.refusal is not None:
        raise NotRecovered(entry.refusal)
    try:
        done = run_to_end(
            shlex.split(command),
            limits.command_s,
            {**os.environ, "SNAPGATE_SERIALNO": entry.serialno},
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NotRecovered(f"{command!r} failed: {error}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-_LAST_WORDS:]
        raise NotRecovered(f"{command!r} ended with exit code {done.returncode}: {said}")


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
