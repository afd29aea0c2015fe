"""One user per phone among all machines that reach it: a claim that lies on the phone itself.

A lease on this machine cannot be seen from another one that uses the same adb server. So the phone
holds a symbolic link that says who uses it, since which boot, and a file with the time of the last
sign of life, in seconds of the phone's own uptime: clocks of machines differ. A link is made whole
or not at all, and only if there is none.
"""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.endurance import Endurance, Persistence
from harness.devices.adb.errors import AdbFailure, ConnectionLost

CLAIM_FOLDER = "/data/local/tmp/snapgate"
_ASK_S = 10.0
_TAKE_S = 60.0

_ANSWER = re.compile(r"^C (mine|held) (\S*) (-?\d+)\s*$", re.MULTILINE)
_WORD = re.compile(r"[^A-Za-z0-9.@-]")


@dataclass(frozen=True)
class Claimant:
    """Who uses a phone.

    Attributes:
        machine: Name of the machine; nobody else on it can hold the phone's lease meanwhile.
        user: For people to read.
        token: Tells this use from all others.
    """

    machine: str
    user: str
    token: str

    @property
    def words(self) -> str:
        """In the form that the link holds: no blanks, no bars but those between the parts."""
        return "|".join(_WORD.sub("_", part) for part in (self.machine, self.user, self.token))


class PhoneClaimed(AdbFailure):
    """Somebody on another machine uses the phone.

    Attributes:
        by: Machine and user.
        silent_s: Time since the last sign of life.
    """

    def __init__(self, serial: str, by: str, silent_s: int) -> None:
        super().__init__(
            f"{serial} is in use by {by}, last seen {silent_s} s ago; wait, or choose another phone"
        )
        self.by = by
        self.silent_s = silent_s


@dataclass(frozen=True)
class ClaimTimes:
    """How often a claim shows signs of life, and when it counts as left behind.

    Attributes:
        beat_s: Between two signs of life.
        stale_s: Silence after which anybody may take the phone.
    """

    beat_s: float = 20.0
    stale_s: float = 120.0


@contextmanager
def claimed(phone: AdbPhone, claimant: Claimant, times: ClaimTimes | None = None) -> Iterator[None]:
    """Use a phone alone.

    A claim is taken over when the phone has rebooted since, when it is silent for too long, and
    when it is of this machine, for the caller holds the machine's lease on the phone.

    Raises:
        PhoneClaimed: If another machine uses it.
        DeadlineExceeded: If the phone stays away.
    """
    times = times or ClaimTimes()
    text = claim_text(claimant, times.stale_s)
    by, silent_s = Persistence(_TAKE_S, Endurance()).until_done(lambda: _take(phone, text))
    if by is not None:
        raise PhoneClaimed(phone.serial, by, silent_s)
    over = threading.Event()
    heart = threading.Thread(target=_beat, args=(phone, claimant, times.beat_s, over), daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join(_ASK_S)
        # A phone that is gone cannot be given back; its claim goes stale.
        _try(phone, release_text(claimant))


def claim_text(claimant: Claimant, stale_s: float) -> str:
    """Shell text that takes a phone; answers ``C mine`` or ``C held BY SECONDS``."""
    mine = shlex.quote(claimant.words)
    machine = shlex.quote(f"{claimant.words.partition('|')[0]}|")
    return (
        f"mkdir -p {CLAIM_FOLDER} && cd {CLAIM_FOLDER} || exit 1; "
        "read -r now < /proc/sys/kernel/random/boot_id; read -r up rest < /proc/uptime; "
        'up=${up%%.*}; by=$(readlink claim); if [ -n "$by" ]; then '
        "at=0; read -r at < beat; silent=$((up-at)); "
        f'case "$by" in *"|$now") case "$by" in {mine}*|{machine}*) silent=999999;; esac;; '
        "*) silent=999999;; esac; "
        f'if [ $silent -lt {stale_s:.0f} ]; then echo C held "$by" $silent; exit 0; fi; '
        # One of several that find the same claim left behind may remove it.
        'over="over-$(echo "$by" | sha256sum | head -c 16)"; '
        'mkdir "$over" 2>/dev/null && rm -f claim; fi; '
        f'echo $up > beat; if ln -s {mine}"|$now" claim 2>/dev/null; then rm -rf over-*; fi; '
        f'by=$(readlink claim); case "$by" in {mine}*) echo C mine x 0;; '
        '*) echo C held "$by" 0;; esac'
    )


def beat_text(claimant: Claimant) -> str:
    """Shell text of a sign of life; does nothing if the claim is somebody else's."""
    return _if_mine(claimant, "read -r up rest < /proc/uptime; echo ${up%%.*} > beat")


def release_text(claimant: Claimant) -> str:
    """Shell text that gives the phone back; does nothing if the claim is somebody else's."""
    return _if_mine(claimant, "rm -f claim")


def _if_mine(claimant: Claimant, action: str) -> str:
    mine = shlex.quote(claimant.words)
    return f'cd {CLAIM_FOLDER} || exit 0; case "$(readlink claim)" in {mine}*) {action};; esac'


def parse_claim(answer: str) -> tuple[str | None, int]:
    """Read the answer to ``claim_text``: who holds the phone, None for us, and for how long silent.

    Raises:
        ConnectionLost: If the answer is not whole.
    """
    found = _ANSWER.search(answer)
    if found is None:
        raise ConnectionLost(f"a claim was answered {answer[:80]!r}")
    if found[1] == "mine":
        return None, 0
    machine, user, *_ = [*found[2].split("|"), ""]
    return f"{user} on {machine}", int(found[3])


def _take(phone: AdbPhone, text: str) -> tuple[str | None, int]:
    return parse_claim(phone.ask(text, _ASK_S).stdout)


def _beat(phone: AdbPhone, claimant: Claimant, beat_s: float, over: threading.Event) -> None:
    while not over.wait(beat_s):
        _try(phone, beat_text(claimant))


def _try(phone: AdbPhone, text: str) -> None:
    """A sign of life that a cut swallows is made up for by the next one."""
    try:
        phone.ask(text, _ASK_S)
    except AdbFailure:
        return
