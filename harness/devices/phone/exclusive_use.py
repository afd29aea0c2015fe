"""Having a phone to oneself, with nothing of a dead session running on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.devices.phone.fleet.phone_claim import HeldClaim, claimed, this_claimant
from harness.devices.phone.fleet.phone_lease import phone_lease
from harness.devices.phone.runs.claimed_run import ClaimedRun, find_runs
from harness.devices.phone.workspace import Workspace
from harness.devices.transport.phone import Commands
from harness.devices.transport.retrying import retrying

LEASE_WAIT_S = 600.0
_FIND_S = 60.0


@contextmanager
def held(
    phone: Commands, serialno: str, lease_folder: Path, wait_s: float = LEASE_WAIT_S
) -> Iterator[HeldClaim]:
    """Keep everybody else off a phone, on this machine and on others.

    Runs that a killed session left on the phone are ended: they would be measured along.

    Args:
        phone: Phone to hold.
        serialno: Its identity.
        lease_folder: Folder of leases, the same for all processes of this machine.
        wait_s: How long to wait for another session on this machine.

    Yields:
        What tells when another machine took the phone nevertheless, as it may after long silence.

    Raises:
        PhoneBusy: If another process of this machine keeps it.
        PhoneClaimed: If another machine uses it.
        PhoneFailure: If it is gone.
    """
    with ExitStack() as holds:
        holds.enter_context(phone_lease(lease_folder, [serialno], wait_s))
        claim = holds.enter_context(claimed(phone, this_claimant(lease_folder)))
        end_orphans(phone)
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
