"""A virtual phone for one session: ``--serial virtual:SM8550``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.devices.adb.discovery import find_phones
from harness.devices.adb.programs import adb_programs
from harness.devices.adb.server import AdbServer, ServerAddress
from harness.devices.phone.fleet.phone_selection import ReadyPhone, choose_phones
from harness.devices.phone.phone_device import PhoneDevice
from harness.devices.phone.runner.tools import find_build
from harness.devices.phone.set_up import open_phone
from harness.errors import UserError
from harness.mounts import is_noexec
from harness.run_folder import run_folder
from harness.targets.soc import Soc, get_soc
from harness.virtual_phone.machine.virtual_build import write_virtual_build
from harness.virtual_phone.phone import VirtualPhone
from harness.virtual_phone.private_server import PrivateAdbServer

VIRTUAL = "virtual:"


def is_virtual(serial: str | None) -> bool:
    """Whether ``--serial`` asks for a virtual phone of the session's own."""
    return serial is not None and serial.startswith(VIRTUAL)


def virtual_soc(serial: str | None) -> Soc | None:
    """SoC of the virtual phone of its own that ``--serial`` asks for; None if it asks for none.

    Raises:
        UserError: If there is no such SoC.
    """
    return get_soc(serial.removeprefix(VIRTUAL)) if serial and is_virtual(serial) else None


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


@contextmanager
def open_virtual_phone(soc: Soc, adb_program: Path | None = None) -> Iterator[PhoneDevice]:
    """Start a virtual phone behind an adb server of its own; both end with the block.

    Args:
        soc: SoC that the phone says it has.
        adb_program: Program of the server; None for the first that this machine has.

    Raises:
        UserError: If there is no adb program, or the phone could run none.
    """
    check_virtual_folder()
    program = adb_program or _first_program()
    with (
        run_folder() as folder,
        PrivateAdbServer(program) as server,
        VirtualPhone(soc.name, f"VIRTUAL-{soc.name}", root=folder / "phone") as virtual,
    ):
        server.attach(virtual)
        there = find_phones([AdbServer(ServerAddress(port=server.port))])
        (found,) = choose_phones(there, soc.name, virtual.serialno)
        build = find_build(write_virtual_build(folder / "build"))
        with open_phone(ReadyPhone(found, build)) as device:
            yield device


def _first_program() -> Path:
    for program in adb_programs():
        if program.installed:
            return program.path
    raise UserError(
        "A virtual phone needs an adb program and this machine has none; type: pip install adbutils"
    )
