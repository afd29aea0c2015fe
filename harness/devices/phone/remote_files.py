"""Small files of a run, read back in one answer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.errors import ConnectionLost, PhoneRebooted, RunGone
from harness.devices.adb.runs.run_shell import BOOT_ID

_ASK_S = 30.0


def read_small_files(
    phone: AdbPhone, folder: str, names: Sequence[str], boot_id: str
) -> dict[str, bytes | None]:
    """Content of files; None where there is none.

    Each comes behind its length, so that an answer which was cut is noticed.

    Args:
        phone: Where they are.
        folder: Of the run.
        names: Of the files.
        boot_id: Of the phone when they were written. One that went down hard since then may have
            lost them, or what was in them.

    Raises:
        PhoneRebooted: If the phone rebooted since then.
        RunGone: If the folder is gone.
        ConnectionLost: If the answer did not arrive whole.
    """
    listed = " ".join(map(shlex.quote, names))
    answer = phone.ask(
        f"read -r now < {BOOT_ID}; echo $now; cd {shlex.quote(folder)} || exit 1; "
        f"for f in {listed}; do "
        'if [ -f "$f" ]; then echo $(wc -c < "$f"); cat "$f"; else echo -; fi; done',
        _ASK_S,
    )
    now, newline, rest = answer.raw.partition(b"\n")
    if not newline:
        raise ConnectionLost(f"the boot id was asked for, {answer.raw[:80]!r} came")
    if now.strip() != boot_id.encode():
        raise PhoneRebooted(folder)
    if answer.exit_code == 1:
        raise RunGone(folder, "its folder is gone")
    return _contents(rest, names)


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
