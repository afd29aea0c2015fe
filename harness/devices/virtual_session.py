"""A virtual phone for one session: ``--serial virtual:SM8550[:NAME][:upstream]``.

The name tells phones of one SoC apart, in rows and in trends; ``upstream`` is the runner that it
has, with the limits of upstream's program instead of ours with none.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from harness.devices.adb.discovery import find_phones
from harness.devices.adb.programs import adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.fleet.phone_selection import choose_phones
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.preflight import ready_virtual
from harness.devices.phone.runner.host_tools import HostTools, find_host_tools
from harness.devices.phone.runner.tools import find_build
from harness.devices.phone.set_up import open_phone
from harness.errors import UserError
from harness.mounts import is_noexec
from harness.run_folder import run_folder
from harness.targets.soc import Soc, get_soc
from harness.virtual_phone.machine.sandbox import NoSandbox
from harness.virtual_phone.machine.virtual_build import VirtualRunner, write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer

VIRTUAL = "virtual:"
UPSTREAM: VirtualRunner = "upstream"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True)
class VirtualSerial:
    """What ``--serial`` says of a virtual phone.

    Attributes:
        name: Tells it from others of its SoC; may be empty.
        runner: Whose runner it has.
    """

    soc: Soc
    name: str = ""
    runner: VirtualRunner = "ours"

    @property
    def serialno(self) -> str:
        """Its ``ro.serialno``."""
        return "-".join(filter(None, ("VIRTUAL", *self._words)))

    def __str__(self) -> str:
        return VIRTUAL + ":".join(filter(None, self._words))

    @property
    def _words(self) -> tuple[str, ...]:
        return self.soc.name, self.name, self.runner if self.runner == UPSTREAM else ""


def read_serial(serial: str) -> VirtualSerial:
    """Read ``virtual:SOC[:NAME][:upstream]``.

    Raises:
        UserError: If there is no such SoC, or the phone's name is none, or ``upstream`` misspelt.
    """
    soc, *words = serial.removeprefix(VIRTUAL).split(":")
    runner: VirtualRunner = UPSTREAM if words and words[-1] == UPSTREAM else "ours"
    names = words[:-1] if runner == UPSTREAM else words
    name = ":".join(names)
    if names and not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} cannot name a virtual phone; give up to 32 of a-z, A-Z, 0-9, _ and -, for "
            f"instance --serial {VIRTUAL}{soc or 'SM8550'}:desk."
        )
    if get_close_matches(name.lower(), [UPSTREAM], cutoff=0.8):
        raise UserError(
            f"{name!r} would be the name of a phone with our runner; for the limits of upstream's "
            f"give {VIRTUAL}{soc}:{UPSTREAM}, or another name."
        )
    return VirtualSerial(get_soc(soc), name, runner)


def is_virtual(serial: str | None) -> bool:
    """Whether ``--serial`` asks for a virtual phone of the session's own."""
    return serial is not None and serial.startswith(VIRTUAL)


def virtual_soc(serial: str | None) -> Soc | None:
    """SoC of the virtual phone of its own that ``--serial`` asks for; None if it asks for none.

    Raises:
        UserError: If there is no such SoC, or the phone's name is none.
    """
    return read_serial(serial).soc if serial is not None and is_virtual(serial) else None


def one_per_worker(serial: str, workers: int | None) -> tuple[str, ...]:
    """``--serial`` of a virtual phone for each worker: numbered, where there are several.

    Raises:
        UserError: As ``read_serial``.
    """
    if workers is None or workers == 1:
        return (serial,)
    asked = read_serial(serial)
    prefix = f"{asked.name}-" if asked.name else ""
    return tuple(str(replace(asked, name=f"{prefix}{number}")) for number in range(1, workers + 1))


def check_virtual_folder() -> None:
    """Refuse a folder for temporary files that a virtual phone could run no program from.

    Raises:
        UserError: If it is mounted noexec.
    """
    folder = Path(tempfile.gettempdir())
    if is_noexec(folder):
        raise UserError(
            f"{folder} is mounted noexec, and a virtual phone runs programs from there; set TMPDIR "
            "to a folder that is not."
        )


def what_stays_open() -> str | None:
    """What a virtual phone reaches here beside its own, or who reaches it, for a sentence.

    Returns:
        None where the machine keeps all apart, or lets no phone start: whoever opens one is told.
    """
    try:
        with VirtualPhone() as phone:
            status = phone.status()
    except (OSError, NoSandbox):
        return None
    if not status.shared:
        return None
    why = f", since {status.isolation_reason}" if status.isolation_reason else ""
    return f"not kept apart from {', '.join(status.shared)}{why} (SECURITY.md)"


@contextmanager
def open_virtual_phone(
    serial: str, adb_program: Path | None = None, brought: HostTools | None = None
) -> Iterator[PhoneDevice]:
    """Start a virtual phone behind an adb server of its own; both end with the block.

    Args:
        serial: What ``--serial`` asks for.
        adb_program: Program of the server; None for the first that this machine has.
        brought: Runner that ``--build-dir`` names; None for ours.

    Raises:
        UserError: If there is no adb program, or the phone could run none.
    """
    check_virtual_folder()
    asked = read_serial(serial)
    program = adb_program or _first_program()
    with (
        run_folder() as folder,
        PrivateAdbServer(program) as server,
        VirtualPhone(asked.soc.name, asked.serialno, root=folder / "phone") as virtual,
    ):
        server.attach(virtual)
        there = find_phones([AdbServer(ServerAddress(port=server.port))])
        (found,) = choose_phones(there, asked.soc.name, virtual.serialno)
        build = write_virtual_build(folder / "build", asked.runner)
        tools = brought or HostTools(find_build(build))
        with open_phone(ready_virtual(found, tools)) as device:
            yield device


def bring_tools(
    serial: str, adb_program: Path | None, build_dir: Path, qnn_dir: Path | None
) -> HostTools:
    """Find what ``--build-dir`` has for a virtual phone, and try it out.

    A script is started where it would run: what it does on this machine says little, for a virtual
    phone reaches none of its other files.

    Args:
        serial: What ``--serial`` asks for.
        adb_program: As of ``open_virtual_phone``.
        build_dir: What ``--build-dir`` says.
        qnn_dir: What ``--qnn-dir`` says.

    Raises:
        UserError: As ``find_host_tools``, and if a script is no runner there.
    """
    brought = find_host_tools(build_dir, qnn_dir)
    if brought.libraries is not None:
        return brought
    try:
        with open_virtual_phone(serial, adb_program, brought):
            pass
    except UserError as error:
        raise UserError(
            f"{brought.build.runner} is a script, and a virtual phone, which reaches none of this "
            f"machine's other files, has no runner by it: {error}"
        ) from error
    return brought


def _first_program() -> Path:
    for program in adb_programs():
        if program.installed:
            return program.path
    raise UserError(
        "A virtual phone needs an adb program and this machine has none; type: pip install adbutils"
    )
