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
_OF_SESSIONS = "snapgate-"
_HOLDER = re.compile(r"^\s*acquired: (\S+/\S+)$", re.MULTILINE)


class PlaceTaken(PhoneFailure):
    """labgrid does not give a phone's place to us."""


@contextmanager
def labgrid_lock(address: str | None, claimant: Claimant) -> Iterator[None]:
    """Hold a phone's place.

    The caller holds the phone's claim, as every session does that holds a place. So a session that
    labgrid still names as the holder is dead, on whichever machine it was, and is released.

    Args:
        address: ``COORDINATOR[:PORT]/PLACE``; None for a phone without a place.
        claimant: Who labgrid says holds it: the machine, and the user as ``snapgate-USER``.

    Raises:
        PlaceTaken: If a person holds it, there is no such place, or no coordinator answers.
        UserError: If labgrid's client is not installed.
    """
    if address is None:
        yield
        return
    coordinator, _, name = address.rpartition("/")
    place = _Place(coordinator, name, claimant)
    if place.is_held_by_session():
        place.release_from(place.holder)
    refused = place.ask("acquire", "--allow-unmatched")
    if refused is not None:
        # It may have been granted after all, to one that did not wait for the answer.
        place.release_from(place.own_name)
        raise PlaceTaken(
            f"labgrid at {coordinator} does not give us the place {name}: {refused.rstrip('.')}; "
            "wait, or choose another phone with --serial"
        )
    try:
        yield
    finally:
        # A coordinator that died meanwhile lost the lock by itself.
        place.release_from(place.own_name)


class _Place:
    """A place of one coordinator, and who asks for it."""

    def __init__(self, coordinator: str, name: str, claimant: Claimant) -> None:
        self._command = (_program(), "--coordinator", coordinator, "--place", name)
        self._environment = {
            "LG_HOSTNAME": claimant.machine,
            "LG_USERNAME": f"{_OF_SESSIONS}{claimant.user}",
        }
        self.own_name = "/".join(self._environment.values())
        self.holder = ""

    def is_held_by_session(self) -> bool:
        """Look who holds it, which is ``holder`` from then on."""
        told = self._told("show")
        found = None if isinstance(told, str) else _HOLDER.search(told.stdout)
        self.holder = found[1] if found else ""
        return self.holder.partition("/")[2].startswith(_OF_SESSIONS)

    def release_from(self, holder: str) -> None:
        """Release it where that is who holds it; nobody else is disturbed."""
        self.ask("release-from", holder)

    def ask(self, *words: str) -> str | None:
        """Let labgrid's client do something; returns why it did not, None if it did."""
        done = self._told(*words)
        if isinstance(done, str):
            return done
        if done.returncode == 0:
            return None
        told = (done.stderr or done.stdout).strip().splitlines()
        return _PREFIX.sub("", told[-1]) if told else f"{_PROGRAM} ended with {done.returncode}"

    def _told(self, *words: str) -> subprocess.CompletedProcess[str] | str:
        try:
            return subprocess.run(
                [*self._command, *words],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_ASK_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it did not answer within {_ASK_S:.0f} s"
        except OSError as error:
            return f"{self._command[0]} cannot be started ({error.strerror})"


def _program() -> str:
    """Labgrid's client: on the path, or beside this Python."""
    beside = Path(sys.executable).with_name(_PROGRAM)
    found = shutil.which(_PROGRAM) or (str(beside) if beside.is_file() else None)
    if found is None:
        raise UserError(
            f"phones.toml names a phone's place in labgrid, and there is no {_PROGRAM}; type: pipx "
            "install labgrid, or remove labgrid from phones.toml."
        )
    return found
