"""One user per phone among all machines that reach it: a claim that lies on the phone itself.

A lease on this machine cannot be seen from another one that uses the same adb server.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from platform import node

import psutil

from harness.devices.phone.fleet.claim_shell import (
    ClaimAnswer,
    Claimant,
    claim_text,
    parse_claim,
    release_text,
)
from harness.devices.phone.workspace import Workspace
from harness.devices.transport.errors import ConnectionLost, PhoneFailure, PhoneRefused
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import retrying

_ASK_S = 10.0
_TAKE_S = 60.0
_TRIES = 3
"""Two that come at once may both go away; whoever holds the phone shows up every time."""
_LONGEST_PAUSE_S = 0.5
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class PhoneClaimed(PhoneFailure):
    """Somebody on another machine uses the phone.

    Attributes:
        by: User and machine that have it.
        silent_s: Time since the last sign of life.
    """

    def __init__(self, serial: str, by: str, silent_s: int) -> None:
        super().__init__(
            f"{serial} is in use by {by}, last seen {silent_s} s ago; wait, or choose another "
            "phone with --serial"
        )
        self.by = by
        self.silent_s = silent_s


@dataclass(frozen=True)
class ClaimTimes:
    """How often a claim shows signs of life, and when it counts as left behind.

    Attributes:
        beat_s: Time between two signs of life.
        stale_s: Silence after which anybody may take the phone.
    """

    beat_s: float = 20.0
    stale_s: float = 120.0


class HeldClaim:
    """A phone that is ours, as far as it was heard of.

    Args:
        serial: Serial of the phone.
        left_behind: Whose void claims were in the way; their runs may still be on the phone.
    """

    def __init__(self, serial: str, left_behind: tuple[str, ...]) -> None:
        self.left_behind = left_behind
        self._serial = serial
        self._taken_by: ClaimAnswer | None = None

    @property
    def other_user(self) -> str | None:
        """Who took the phone while we were silent, ``USER on MACHINE``; None while it is ours."""
        return None if self._taken_by is None else self._taken_by.by

    def check(self) -> None:
        """Make sure that nobody took the phone while we were silent, as in a suspended laptop.

        Raises:
            PhoneClaimed: If somebody did.
        """
        if self._taken_by is not None and self._taken_by.by is not None:
            raise PhoneClaimed(self._serial, self._taken_by.by, self._taken_by.silent_s)

    def note(self, answer: ClaimAnswer) -> None:
        """Keep what the phone answered to a sign of life."""
        self._taken_by = answer


def this_claimant(lease_folder: Path) -> Claimant:
    """Us, in the eyes of other machines.

    A container that shares no lease with its host is a machine of its own, whatever its name is.

    Args:
        lease_folder: Where this machine's leases on phones lie; it exists.
    """
    place = lease_folder.stat()
    shared = f"{_BOOT_ID.read_text()} {place.st_dev} {place.st_ino}" if _BOOT_ID.exists() else ""
    mark = hashlib.sha256(shared.encode()).hexdigest()[:8]
    return Claimant(f"{node()}-{mark}", psutil.Process().username(), secrets.token_hex(8))


@contextmanager
def claimed(
    phone: Commands, claimant: Claimant, times: ClaimTimes | None = None
) -> Iterator[HeldClaim]:
    """Use a phone alone.

    A claim is taken over when the phone has rebooted since, when it is silent for too long, and
    when it is of this machine, for the caller holds the machine's lease on the phone.

    Raises:
        PhoneClaimed: If another machine uses it.
        PhoneRefused: If the phone takes no claim, as one whose disk is full.
        DeadlineExceeded: If the phone stays away.
    """
    times = times or ClaimTimes()
    folder = Workspace.on(phone).claims
    text = claim_text(claimant, times.stale_s, folder)
    answer = _taken(phone, text)
    if answer.by is not None:
        raise PhoneClaimed(phone.serial, answer.by, answer.silent_s)
    claim = HeldClaim(phone.serial, answer.left_behind)
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(phone, text, times, claim, over), daemon=True)
    heart.start()
    try:
        yield claim
    finally:
        over.set()
        heart.join(_ASK_S)
        _give_back(phone, release_text(claimant, folder))


def _taken(phone: Commands, text: str) -> ClaimAnswer:
    retry = retrying(phone, _TAKE_S)
    answer = retry.until_done(lambda: _ask(phone, text))
    for _ in range(_TRIES - 1):
        if answer.by is None:
            break
        time.sleep(random.uniform(0, _LONGEST_PAUSE_S))
        answer = retry.until_done(lambda: _ask(phone, text))
    return answer


def _ask(phone: Commands, text: str) -> ClaimAnswer:
    said = phone.ask(text, _ASK_S)
    if said.exit_code != 0:
        raise PhoneRefused(f"{phone.serial} takes no claim: {said.stderr or said.stdout.strip()}")
    answer = parse_claim(said.stdout)
    if answer is None:
        raise ConnectionLost(f"a claim on {phone.serial} was answered {said.stdout[:80]!r}")
    return answer


def _beat(
    phone: Commands, text: str, times: ClaimTimes, claim: HeldClaim, over: threading.Event
) -> None:
    """Show signs of life; the next one makes up for one that a cut swallows."""
    while not over.wait(times.beat_s):
        try:
            claim.note(_ask(phone, text))
        except PhoneFailure:
            continue


def _give_back(phone: Commands, text: str) -> None:
    """A phone that is gone cannot be given back; its claim becomes void by silence."""
    try:
        phone.ask(text, _ASK_S)
    except PhoneFailure:
        return
