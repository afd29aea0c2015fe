"""Small files of a run, read back in one answer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.errors import ConnectionLost

_ASK_S = 30.0


def read_small_files(phone: AdbPhone, folder: str, names: Sequence[str]) -> dict[str, bytes | None]:
    """Content of files; None where there is none.

    Each comes behind its length, so that an answer which was cut is noticed.

    Raises:
        ConnectionLost: If the answer did not arrive whole.
    """
    listed = " ".join(map(shlex.quote, names))
    answer = phone.ask(
        f"cd {shlex.quote(folder)} || exit 1; for f in {listed}; do "
        'if [ -f "$f" ]; then echo $(wc -c < "$f"); cat "$f"; else echo -; fi; done',
        _ASK_S,
    )
    rest, found = answer.raw, dict[str, bytes | None]()
    for name in names:
        length, newline, rest = rest.partition(b"\n")
        size = length.strip()
        if not newline or not (size == b"-" or size.isdigit()):
            raise ConnectionLost(f"{name} was asked for, {answer.raw[:80]!r} came")
        if size == b"-":
            found[name] = None
            continue
        content, rest = rest[: int(size)], rest[int(size) :]
        if len(content) < int(size):
            raise ConnectionLost(f"{name} has {int(size)} bytes, {len(content)} came")
        found[name] = content
    return found
