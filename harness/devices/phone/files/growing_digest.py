"""The hash of a file on a phone, computed there while the file grows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from harness.devices.transport.errors import ConnectionLost, Unreachable
from harness.devices.transport.phone import Commands

FILE_STATE = "stat -L -c %d:%i:%s"
"""Shell command that tells which file a path names, and how long it is."""

_LONGEST_STANDSTILL_POLLS = 100
"""About 5 s; the file is then hashed when it is there."""

_SHELL = """\
exec 4>&1
wait_a_moment() {{
    printf . >&4 || exit
    [ $still -lt {most_polls} ] || exit
    still=$((still+1))
    sleep 0.05 2>/dev/null || sleep 1
}}
still=0
until [ -f {path} ]; do wait_a_moment; done
still=0 before=0
{{
    while size=$(stat -L -c %s {path}) && [ $size -lt {size_bytes} ]; do
        [ $size = $before ] || still=0
        before=$size
        wait_a_moment
        cat
    done
    cat
    echo "whole $({file_state} /proc/self/fd/0)" >&4
}} < {path} | sha256sum"""

_WHOLE = re.compile(r"whole (\d+:\d+:\d+)\r?\n([0-9a-f]{64})\b")


@dataclass(frozen=True)
class RemoteDigest:
    """What was hashed.

    Attributes:
        state: Identity and size of the file that was read, as ``FILE_STATE`` tells them.
        sha256: Hash of all that was read.
    """

    state: str
    sha256: str


@contextmanager
def growing_digest(
    phone: Commands, path: str, size_bytes: int, total_s: float
) -> Iterator[Callable[[float], RemoteDigest | None]]:
    """Let a phone hash a file that is about to arrive, for as long as the ``with`` lasts.

    Reading follows writing: the phone feeds to ``sha256sum`` what is there, looks whether that is
    all, and waits for more. Whoever uses the hash has to make sure that the file is still the one
    that was read. The command prints a sign of life at each look. It thus ends, within a second
    on a phone whose ``sleep`` knows fractions, when nobody listens any more, whatever its shell
    makes of a hang-up; and it ends when the file stands still.

    Args:
        phone: Phone that the file arrives on.
        path: Path of the file there.
        size_bytes: Size of the whole file.
        total_s: Time for all of it to arrive and to be hashed.

    Yields:
        What waits for the hash once the file has arrived, at most so many seconds; it returns None
        if the phone could not follow.

    Raises:
        ConnectionLost: If the command cannot be started.
        Unreachable: If what the phone is reached by is not there.
    """
    command = _SHELL.format(
        path=shlex.quote(path),
        size_bytes=size_bytes,
        most_polls=_LONGEST_STANDSTILL_POLLS,
        file_state=FILE_STATE,
    )
    ending = ExitStack()
    answer_within = ending.enter_context(phone.begin(command, total_s))

    def collect(within_s: float) -> RemoteDigest | None:
        try:
            answer = answer_within(within_s)
        except (ConnectionLost, Unreachable):
            return None
        found = _WHOLE.search(answer.stdout)
        return RemoteDigest(found[1], found[2]) if found else None

    try:
        yield collect
    finally:
        # What failed meanwhile is no failure of the command, which would explain it as its own.
        ending.close()
