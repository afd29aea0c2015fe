"""labgrid's lock on a phone, for laboratories where people take phones by hand, too.

A place of labgrid (labgrid 26.0, "labgrid-client") that is acquired is somebody's. A session holds
its phone's place for as long as it claims the phone, so whoever asks labgrid sees it, and whoever
acquired it is left alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.devices.phone.fleet.claim_shell import Claimant
from harness.devices.transport.errors import PhoneFailure
from harness.errors import UserError

_PROGRAM = "labgrid-client"
_ASK_S = 60.0
_PREFIX = re.compile(r"^(labgrid-client: |Server error: )?Error: ")
_OURS = "You have already acquired place {}."
"""On this machine; of the same user on another one labgrid says that machine's name, too."""


class PlaceTaken(PhoneFailure):
    """labgrid does not give a phone's place to us."""


@contextmanager
def labgrid_lock(address: str | None, claimant: Claimant) -> Iterator[None]:
    """Hold a phone's place.

    One that is ours already is of a session of this machine that was killed, for the caller holds
    the machine's lease on the phone.

    Args:
        address: ``COORDINATOR[:PORT]/PLACE``; None for a phone without a place.
        claimant: Who labgrid says holds it: the machine, and the user as ``snapgate-USER``.

    Raises:
        PlaceTaken: If somebody else holds it, there is no such place, or no coordinator answers.
        UserError: If labgrid's client is not installed.
    """
    if address is None:
        yield
        return
    coordinator, _, place = address.rpartition("/")
    refused = _ask(coordinator, place, claimant, "acquire", "--allow-unmatched")
    if refused is not None and refused != _OURS.format(place):
        told = refused.rstrip(".")
        raise PlaceTaken(
            f"labgrid at {coordinator} does not give us the place {place}: {told}; wait, or "
            "choose another phone with --serial"
        )
    try:
        yield
    finally:
        # A coordinator that died meanwhile lost the lock by itself.
        _ask(coordinator, place, claimant, "release")


def _ask(coordinator: str, place: str, claimant: Claimant, *words: str) -> str | None:
    """Let labgrid's client do something; returns why it did not, None if it did."""
    own = {"LG_HOSTNAME": claimant.machine, "LG_USERNAME": f"snapgate-{claimant.user}"}
    command = [_program(), "--coordinator", coordinator, "--place", place, *words]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not answer within {_ASK_S:.0f} s"
    if done.returncode == 0:
        return None
    told = (done.stderr or done.stdout).strip().splitlines()
    return _PREFIX.sub("", told[-1]) if told else f"{_PROGRAM} ended with {done.returncode}"


def _program() -> str:
    """Labgrid's client: on the path, or beside this Python."""
    beside = Path(sys.executable).with_name(_PROGRAM)
    found = shutil.which(_PROGRAM) or (str(beside) if beside.is_file() else None)
    if found is None:
        raise UserError(
            f"phones.toml names a phone's place in labgrid, and there is no {_PROGRAM}; type: pip "
            "install 'snapgate[labgrid]', or remove labgrid from phones.toml."
        )
    return found
