"""What is stored on a phone: sizes, digests and free space."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.errors import ConnectionLost, PhoneRefused

_PATHS_PER_COMMAND = 100
"""With long names still far below the 65,535 bytes of a command."""

_ASK_S = 20.0

_SLOWEST_HASH_BYTES_PER_S = 20e6
"""Of a little core without instructions for sha256, busy with something else."""

_DF_LINE = re.compile(r"\s\d+\s+\d+\s+(\d+)\s+\d+%\s+\S+\s*$")


@dataclass(frozen=True)
class NotEnoughSpace(Exception):
    """A phone has too little free space.

    Attributes:
        folder: Whose file system is too full.
        needed_bytes: What is to be stored.
        free_bytes: What is free.
    """

    folder: str
    needed_bytes: int
    free_bytes: int

    def __str__(self) -> str:
        return (
            f"{self.folder} has {self.free_bytes / 2**20:.0f} MiB free and "
            f"{self.needed_bytes / 2**20:.0f} MiB are needed; free some on the phone"
        )


def remote_sizes(phone: AdbPhone, paths: Sequence[str]) -> dict[str, int | None]:
    """Size in bytes of each file; None where there is none.

    Raises:
        ConnectionLost: If the phone did not answer wholly.
    """
    command = "stat -L -c %s {} 2>/dev/null || echo -"
    answers = _one_line_each(phone, command, paths, _ASK_S)
    return {path: None if size == "-" else int(size) for path, size in answers.items()}


def remote_digests(phone: AdbPhone, sizes: Mapping[str, int]) -> dict[str, str | None]:
    """sha256 of each file in hexadecimal, computed by the phone; None where it cannot be read.

    Args:
        phone: Where the files are.
        sizes: Path and size in bytes, which decides the time limit.

    Raises:
        ConnectionLost: If the phone did not answer wholly.
    """
    command = "{{ sha256sum < {}; }} 2>/dev/null || echo -"
    total_s = _ASK_S + sum(sizes.values()) / _SLOWEST_HASH_BYTES_PER_S
    answers = _one_line_each(phone, command, tuple(sizes), total_s)
    return {path: None if line == "-" else line.split()[0] for path, line in answers.items()}


def free_bytes(phone: AdbPhone, folder: str) -> int:
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


def _one_line_each(
    phone: AdbPhone, command: str, paths: Sequence[str], total_s: float
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
