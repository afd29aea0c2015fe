"""Shell texts that claim a phone for one user among all machines, and how their answers read.

Whoever wants the phone first leaves a symbolic link with its name and the phone's boot id, and only
then looks for those of others; who finds one that is alive takes its own away. So of two that come
at once at least one sees the other, and both may go away, but both never stay. What others left
behind hinders nobody: there is no lock that a killed shell could keep. Times are the phone's own
uptime in seconds, since clocks of machines differ.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

_ANSWER = re.compile(r"^C (?:(mine)|held (\S+) (-?\d+))\s*$", re.MULTILINE)
_LEFT = re.compile(r"^C left (\S+)\s*$", re.MULTILINE)
_WORD = re.compile(r"[^A-Za-z0-9.@-]")


@dataclass(frozen=True)
class Claimant:
    """Who uses a phone.

    Attributes:
        machine: Name of what shares one lease on the phone; nobody else there can hold it.
        user: Name of the user, for people to read.
        token: Tells this use from all others.
    """

    machine: str
    user: str
    token: str

    @property
    def words(self) -> str:
        """Machine and user in the form that the link holds: without blanks or further bars."""
        return f"{_word(self.machine)}|{_word(self.user)}"


@dataclass(frozen=True)
class ClaimAnswer:
    """What a phone answers to a claim.

    Attributes:
        by: Who holds it, ``USER on MACHINE``; None if it is ours.
        silent_s: Time since their last sign of life.
        left_behind: Whose claims were void and are removed now.
    """

    by: str | None
    silent_s: int
    left_behind: tuple[str, ...]


def claim_text(claimant: Claimant, stale_s: float, folder: str) -> str:
    """Shell text that takes a phone, and that shows a sign of life once it is taken.

    Void are claims from before a reboot, those that were silent for too long, and those of the same
    machine: the caller holds its lease.

    Args:
        claimant: Who claims the phone.
        stale_s: Silence of others that makes their claims void.
        folder: Folder of all claims, on the phone.
    """
    use, beat, held = (f"{_word(claimant.token)}.{kind}" for kind in ("use", "beat", "held"))
    machine = shlex.quote(f"{_word(claimant.machine)}|")
    return (
        # A cut would end the shell half way through.
        f'trap "" HUP; mkdir -p {shlex.quote(folder)} && cd {shlex.quote(folder)} || exit 1; '
        "read -r boot < /proc/sys/kernel/random/boot_id; read -r up rest < /proc/uptime; "
        f'up=${{up%%.*}}; mine={shlex.quote(claimant.words)}"|$boot"; '
        f"echo $up > $$.new && mv $$.new {beat} || exit 1; "
        f'at=$(readlink {use}); if [ -f {held} ] && [ "$at" = "$mine" ]; then '
        "echo C mine; exit 0; fi; "
        f'rm -f {held}; if [ "$at" != "$mine" ]; then '
        f'rm -f {use}; ln -s "$mine" {use} || exit 1; fi; by=; gone=; '
        f'for one in *.use; do [ "$one" = {use} ] && continue; '
        'other=$(readlink "$one") || continue; name=${one%.use}; '
        'at=0; read -r at 2>/dev/null < "$name.beat"; silent=$((up-at)); '
        f'case "$other" in {machine}*) gone="$gone $name";; '
        f'*"|$boot") if [ $silent -lt {stale_s:.0f} ]; then by=$other; quiet=$silent; '
        'else gone="$gone $name"; fi;; *) gone="$gone $name";; esac; done; '
        f'if [ -n "$by" ]; then rm -f {use} {beat}; echo C held "$by" $quiet; exit 0; fi; '
        'for name in $gone; do echo C left "$(readlink "$name.use")"; '
        'rm -f "$name.use" "$name.held" "$name.beat"; done; '
        f": > {held} || exit 1; echo C mine"
    )


def release_text(claimant: Claimant, folder: str) -> str:
    """Shell text that gives the phone back; claims of others stay."""
    token = _word(claimant.token)
    return f"cd {shlex.quote(folder)} && rm -f {token}.use {token}.held {token}.beat; true"


def parse_claim(answer: str) -> ClaimAnswer | None:
    """Read the answer to ``claim_text``; None if it is not whole."""
    found = _ANSWER.search(answer)
    if found is None:
        return None
    left = tuple(_person(words) for words in _LEFT.findall(answer))
    if found[1]:
        return ClaimAnswer(None, 0, left)
    return ClaimAnswer(_person(found[2]), max(0, int(found[3])), left)


def _person(words: str) -> str:
    machine, user = [*words.split("|"), ""][:2]
    return f"{user} on {machine}"


def _word(text: str) -> str:
    return _WORD.sub("_", text)
