"""Having a phone to oneself: alone on this machine, among all machines, and on the phone."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.devices.lease import open_lock
from harness.devices.phone.fleet.labgrid_lock import labgrid_lock
from harness.devices.phone.fleet.phone_claim import HeldClaim, claimed, this_claimant
from harness.devices.phone.runs.claimed_run import ClaimedRun, find_runs
from harness.devices.phone.workspace import Workspace
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import retrying
from harness.errors import UserError

_POLL_S = 0.2
_LOCKS = Path("/proc/locks")
_MOUNTS = Path("/proc/self/mountinfo")

LEASE_WAIT_S = 600.0
_FIND_S = 60.0


class PhoneBusy(UserError):
    """All phones that fit are in use by other processes of this machine."""


@contextmanager
def phone_lease(folder: Path, serialnos: Sequence[str], wait_s: float) -> Iterator[str]:
    """Hold one phone, alone.

    The kernel frees the lock when this process dies, however it dies.

    Args:
        folder: Folder of leases, the same for all processes of a machine, see ``lease_folder``.
        serialnos: ``ro.serialno`` of the phones that fit, the preferred one first.
        wait_s: How long to wait while all are in use.

    Yields:
        The phone that is held.

    Raises:
        PhoneBusy: If none becomes free in time; the sentence names the processes that hold them.
        UserError: If the folder or a file in it cannot be opened.
    """
    deadline = time.monotonic() + wait_s
    with ExitStack() as held:
        while True:
            for serialno in serialnos:
                if _try(held, folder, serialno):
                    yield serialno
                    return
            if time.monotonic() >= deadline:
                raise PhoneBusy(_told(folder, serialnos, wait_s))
            time.sleep(_POLL_S)


def holder_of(folder: Path, serialno: str, locks: Path = _LOCKS) -> int | None:
    """Number of the process that holds a phone, None if nobody does or the kernel does not tell.

    Args:
        folder: Folder of leases, as ``phone_lease`` takes it.
        serialno: Serial number of the phone.
        locks: Where the kernel lists all locks.

    Raises:
        UserError: If the folder or a file in it cannot be opened.
    """
    name = _lock_name(serialno)
    if not os.path.lexists(folder / name) or not locks.is_file():
        return None
    with open_lock(folder, name) as lock:
        # Inode numbers are those of one file system; locks of others may have the same.
        file = f"{_device_of(lock)}:{os.fstat(lock).st_ino}"
    for line in locks.read_text().splitlines():
        words = line.split()
        if words[1] == "FLOCK" and words[5] == file:
            return int(words[4])
    return None


def _try(held: ExitStack, folder: Path, serialno: str) -> bool:
    with ExitStack() as attempt:
        descriptor = attempt.enter_context(open_lock(folder, _lock_name(serialno)))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # Programs started meanwhile must not hold the phone when this process is gone.
        os.set_inheritable(descriptor, False)
        held.push(attempt.pop_all())
        return True


def _device_of(descriptor: int) -> str:
    """Device number of a file's file system, as the kernel's list of locks writes it.

    That of ``stat`` is another where a file system has subvolumes, as btrfs; of mounts it is told.
    """
    told = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    device = os.fstat(descriptor).st_dev
    major, minor = os.major(device), os.minor(device)
    mount = re.search(r"^mnt_id:\s*(\d+)$", told, re.MULTILINE)
    for line in _MOUNTS.read_text().splitlines():
        words = line.split()
        if mount and words[0] == mount[1]:
            major, minor = map(int, words[2].split(":"))
    return f"{major:02x}:{minor:02x}"


def _lock_name(serialno: str) -> str:
    return f"phone-{re.sub(r'[^A-Za-z0-9._-]', '_', serialno)}.lock"


def _told(folder: Path, serialnos: Sequence[str], wait_s: float) -> str:
    users = {name: holder_of(folder, name) for name in serialnos}
    named = ", ".join(
        name if pid is None else f"{name} (by process {pid})" for name, pid in users.items()
    )
    return (
        f"In use for {wait_s:.0f} s already: {named}; wait for that, or choose another phone with "
        "--serial."
    )


@contextmanager
def held(
    phone: Commands,
    serialno: str,
    lease_folder: Path,
    wait_s: float = LEASE_WAIT_S,
    place: str | None = None,
) -> Iterator[HeldClaim]:
    """Keep everybody else off a phone, on this machine and on others.

    Runs that a killed session left on the phone are ended: they would be measured along.

    Args:
        phone: Phone to hold.
        serialno: Its identity, ``ro.serialno``.
        lease_folder: Folder of leases, the same for all processes of this machine.
        wait_s: How long to wait for another session on this machine.
        place: Its place in labgrid, as of ``labgrid_lock``.

    Yields:
        What tells when another machine took the phone nevertheless, as it may after long silence.

    Raises:
        PhoneBusy: If another process of this machine keeps it.
        PlaceTaken: If somebody holds its place in labgrid.
        PhoneClaimed: If another machine uses it.
        PhoneFailure: If it is gone.
        UserError: If labgrid's client is missing.
    """
    with ExitStack() as holds:
        holds.enter_context(phone_lease(lease_folder, [serialno], wait_s))
        claimant = this_claimant(lease_folder)
        claim = holds.enter_context(claimed(phone, claimant))
        end_orphans(phone)
        holds.enter_context(labgrid_lock(place, claimant))
        yield claim


def end_orphans(phone: Commands) -> int:
    """End and remove all runs on a phone, which the caller holds.

    Returns:
        How many were still running.
    """
    runs = Workspace.on(phone).runs
    found = retrying(phone, _FIND_S).until_done(lambda: find_runs(phone, runs))
    for orphan in found:
        run = ClaimedRun(phone, f"{runs}/{orphan.name}")
        if orphan.state == "run":
            run.end()
        run.remove()
    return sum(orphan.state == "run" for orphan in found)
