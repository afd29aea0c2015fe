"""A transport as a package would bring it along: phones that are folders of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from harness.devices.transport.errors import DeadlineExceeded
from harness.devices.transport.found_phone import Discovery, FoundPhone, PhoneUnusable
from harness.devices.transport.phone import CommandResult, SendLimits
from harness.errors import UserError


class LocalPhone:
    """Runs commands with this machine's shell, and keeps files in a folder.

    Args:
        folder: Takes the place of ``/data/local/tmp``.
    """

    shell_words = ("eval",)

    def __init__(self, folder: Path) -> None:
        self.serial = f"local:{folder}"
        self.home = str(folder)
        self.drops = 0

    def ask(self, command: str, total_s: float) -> CommandResult:
        with self.begin(command, total_s) as collect:
            return collect(total_s)

    @contextmanager
    def begin(self, command: str, total_s: float) -> Iterator[Callable[[float], CommandResult]]:
        with subprocess.Popen(
            ("sh", "-c", command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.home,
        ) as shell:

            def collect(within_s: float) -> CommandResult:
                try:
                    printed, complained = shell.communicate(timeout=min(within_s, total_s))
                except subprocess.TimeoutExpired as error:
                    raise DeadlineExceeded(f"not answered in {within_s:.0f} s") from error
                return CommandResult(printed, complained, shell.returncode)

            try:
                yield collect
            finally:
                shell.kill()

    def send(
        self,
        file: FileIO,
        byte_count: int,
        remote: str,
        limits: SendLimits,
        on_sent: Callable[[int], None],
    ) -> None:
        content = file.read(byte_count)
        if len(content) < byte_count:
            raise UserError(f"{file.name} became shorter; run again when nothing writes to it.")
        Path(remote).write_bytes(content)
        on_sent(byte_count)

    def revive(self) -> None:
        """There is no connection that could hang."""


def find_phones(folder: str) -> Discovery:
    phone = LocalPhone(Path(folder))
    if not Path(folder).is_dir():
        return Discovery((), (PhoneUnusable(phone.serial, "is no folder", "make it"),))
    found = FoundPhone(
        phone,
        serialno=phone.serial,
        soc="SM8550",
        soc_raw="SM8550",
        model="a folder",
        fingerprint="",
        accepted_targets=("host",),
    )
    return Discovery((found,), ())
