"""Whether a session and the hosts of its farm mean one store, before any job is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UserError, listed
from harness.farm.demand import Host
from harness.farm.store import FarmStore


def agreed_store(store: FarmStore, hosts: Sequence[Host]) -> str:
    """What tells the session's store from others; an empty place becomes one where nobody has any.

    Args:
        store: The session's.
        hosts: Of the farm.

    Raises:
        UserError: If hosts have another one: somebody's folder is not mounted, or misnamed.
        StoreUnreachable: If nobody can say.
    """
    found = store.identity()
    theirs = sorted({host.store for host in hosts if host.store is not None})
    if found is None and not theirs:
        return store.begin()
    may_come = any(host.store is None for host in hosts)
    if found is None or (theirs and found not in theirs and not may_come):
        mine = "is no store yet" if found is None else f"is the store {found}"
        raise UserError(
            f"--store {store.url} {mine}, and hosts of the farm have {listed(theirs)}; mount "
            "theirs here, or start all with one --store."
        )
    return found
