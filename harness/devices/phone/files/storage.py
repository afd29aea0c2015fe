"""What is stored on a phone: sizes, digests, the content of small files, free space."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from harness.devices.phone.runs.run_shell import BOOT_ID
from harness.devices.phone.workspace import make_room_remedy
from harness.devices.transport.errors import (
    ConnectionLost,
    NotEnoughSpace,
    PhoneRebooted,
    PhoneRefused,
    RunGone,
)
from harness.devices.transport.phone import Commands
from harness.full_disk import FULL_BYTES, tells_full

_PATHS_PER_COMMAND = 100
"""With long names still far below the 65,535 bytes of a command."""

_ASK_S = 20.0
_READ_S = 30.0

RESERVE_BYTES = 64 << 20
"""Left free, for what a run writes and for a piece of a file that was cut."""

SMALL_FILE_BYTES = 4 << 20
"""Read of a file that a run left; an answer has a few kilobytes."""

_SLOWEST_HASH_BYTES_PER_S = 20e6
"""Of a little core without instructions for sha256, busy with something else."""

_DF_LINE = re.compile(r"\s\d+\s+\d+\s+(\d+)\s+\d+%\s+\S+\s*$")


def remote_sizes(phone: Commands, paths: Sequence[str]) -> dict[str, int | None]:
    """Size in bytes of each file; None where there is none.

    Raises:
        ConnectionLost: If the phone did not answer wholly.
    """
    command = "stat -L -c %s {} 2>/dev/null || echo -"
    answers = _one_line_each(phone, command, paths, _ASK_S)
    return {path: None if size == "-" else int(size) for path, size in answers.items()}


def remote_digests(phone: Commands, sizes: Mapping[str, int]) -> dict[str, str | None]:
    """sha256 of each file in hexadecimal, computed by the phone; None where it cannot be read.

    Args:
        phone: Phone that has the files.
        sizes: Path and size in bytes, which decides the time limit.

    Raises:
        ConnectionLost: If the phone did not answer wholly.
    """
    command = "{{ sha256sum < {}; }} 2>/dev/null || echo -"
    total_s = _ASK_S + sum(sizes.values()) / _SLOWEST_HASH_BYTES_PER_S
    answers = _one_line_each(phone, command, tuple(sizes), total_s)
    return {path: None if line == "-" else line.split()[0] for path, line in answers.items()}


def free_bytes(phone: Commands, folder: str) -> int:
    """Free space of the file system that holds a folder, which is made when missing.

    Raises:
        PhoneRefused: If the folder cannot be made or looked at.
        ConnectionLost: If the phone did not answer.
    """
    quoted = shlex.quote(folder)
    answer = phone.ask(f"mkdir -p {quoted} && df -Pk {quoted}", _ASK_S)
    found = _DF_LINE.search(answer.stdout)
    if answer.exit_code != 0 or not found:
        raise PhoneRefused(answer.stderr or answer.stdout)
    return int(found[1]) * 1024


def check_room(phone: Commands, folder: str, said: str = "") -> None:
    """Find out behind a run, or a start that failed, whether the phone took what was written.

    Args:
        phone: Phone that it ran on.
        folder: Folder of the run.
        said: The phone's words about it, which may say so themselves.

    Raises:
        NotEnoughSpace: If hardly anything is free there.
        ConnectionLost: If the phone did not answer.
    """
    # The folder itself may be what could not be made.
    places = map(str, (PurePosixPath(folder), *PurePosixPath(folder).parents))
    listed = " ".join(map(shlex.quote, places))
    answer = phone.ask(f'for f in {listed}; do [ -d "$f" ] && df -Pk "$f" && break; done', _ASK_S)
    found = _DF_LINE.search(answer.stdout)
    free = int(found[1]) * 1024 if found else None
    if tells_full(said) or (free is not None and free < FULL_BYTES):
        raise NotEnoughSpace(
            folder, RESERVE_BYTES, free or 0, said=said, remedy=make_room_remedy(phone)
        )


def read_small_files(
    phone: Commands, folder: str, names: Sequence[str], boot_id: str
) -> dict[str, bytes | None]:
    """Content of files, of which only so much comes as is small; None where there is none.

    Each comes behind its length, so that an answer which was cut is noticed.

    Args:
        phone: Phone that has the files.
        folder: Folder of the run.
        names: Names of the files.
        boot_id: Boot of the phone when they were written. One that went down hard since then may
            have lost them, or what was in them.

    Raises:
        PhoneRebooted: If the phone rebooted since then.
        RunGone: If the folder is gone.
        ConnectionLost: If the answer did not arrive whole.
    """
    listed = " ".join(map(shlex.quote, names))
    answer = phone.ask(
        f"read -r now < {BOOT_ID}; echo $now; cd {shlex.quote(folder)} || exit 1; "
        f"for f in {listed}; do "
        'if [ -f "$f" ]; then s=$(wc -c < "$f"); '
        f"[ $s -gt {SMALL_FILE_BYTES} ] && s={SMALL_FILE_BYTES}; "
        'echo $((s)); head -c $s "$f"; else echo -; fi; done',
        _READ_S,
    )
    now, newline, rest = answer.raw.partition(b"\n")
    if not newline:
        raise ConnectionLost(f"the boot id was asked for, {answer.raw[:80]!r} came")
    if now.strip() != boot_id.encode():
        raise PhoneRebooted(folder)
    if answer.exit_code == 1:
        raise RunGone(folder, "its folder is gone")
    return _contents(rest, names)


def _one_line_each(
    phone: Commands, command: str, paths: Sequence[str], total_s: float
) -> dict[str, str]:
    lines: list[str] = []
    for start in range(0, len(paths), _PATHS_PER_COMMAND):
        some = paths[start : start + _PATHS_PER_COMMAND]
        text = "\n".join(command.format(shlex.quote(path)) for path in some)
        answered = phone.ask(text, total_s).stdout.splitlines()
        if len(answered) != len(some):
            raise ConnectionLost(f"{len(some)} files were asked about, {len(answered)} lines came")
        lines += answered
    return dict(zip(paths, lines, strict=True))


def _contents(rest: bytes, names: Sequence[str]) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for name in names:
        length, newline, content = rest.partition(b"\n")
        size = length.strip()
        if not newline or not (size == b"-" or size.isdigit()):
            raise ConnectionLost(f"{name} was asked for, {rest[:80]!r} came")
        if size == b"-":
            found[name], rest = None, content
            continue
        found[name], rest = content[: int(size)], content[int(size) :]
        if len(content) < int(size):
            raise ConnectionLost(f"{name} has {int(size)} bytes, {len(content)} came")
    return found
