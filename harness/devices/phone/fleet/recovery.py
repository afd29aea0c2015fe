"""One try to bring a phone back that is gone, before its tests are blocked."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.devices.phone.fleet.inventory import InventoryPhone
from harness.devices.transport.errors import ConnectionLost, PhoneFailure, Unreachable
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import Retry, RetryLimits

_ASK_S = 5.0
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
        """Do something; where the phone is gone and has a command, bring it back and do it again.

        Args:
            phone: Phone that is asked.
            action: What is done.
            again: What is done on the phone that came back.

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
        NotRecovered: If there is none, or it fails.
    """
    command = entry.recover
    if command is None:
        raise NotRecovered(f"phones.toml has no recover command for {entry.name}")
    try:
        done = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limits.command_s,
            env={**os.environ, "SNAPGATE_SERIALNO": entry.serialno},
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise NotRecovered(f"{command!r} failed: {error}") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-_LAST_WORDS:]
        raise NotRecovered(f"{command!r} ended with exit code {done.returncode}: {said}")
