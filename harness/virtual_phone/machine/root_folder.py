"""The folder of a virtual phone's files, and what its kernel and services show of its state."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import uuid
from collections.abc import Mapping
from pathlib import Path

from harness.full_disk import is_full
from harness.virtual_phone.machine.condition import SCREEN_ON, Battery, Thermal
from harness.virtual_phone.machine.tools import write_tools

BOOT_ID = "proc/sys/kernel/random/boot_id"
HOME = "data/local/tmp"
NEW_ROOT = "root"
"""Where the phone's first process puts its root together, in its own namespace."""
PROPERTIES = "system/etc/properties"

_KEPT_BOOT_ID = "system/etc/boot_id"
_DUMPS = "system/etc/dumpsys"
_AVAILABLE = "system/etc/available_kib"
_ZONES = "sys/class/thermal"
_TAKEN_ROOM = "taken_room"
_BLOCK_BYTES = 1 << 20
_FOLDERS = (
    HOME,
    "sdcard",
    "system/bin",
    PROPERTIES,
    _DUMPS,
    "vendor/lib64",
    "storage",
    "tmp",
    NEW_ROOT,
)
_PATH = re.compile(rf"(?<![\w/.~-])/(data|sdcard|system|vendor|sys|{BOOT_ID})(?=[/\s'\";:)&|,]|$)")
_CORES = 8
_MOST_LINKS = 40
# What reads the number of processors, as the runner's CPU kernels do, finds this machine's own.
_HOST_CPU_FILES = ("possible", "present", "online", "kernel_max")


class RootFolder:
    """A phone's files, and what its kernel and services show of its state.

    Args:
        folder: Folder that they are in; made, and filled up to what a phone has. Pushed files stay.
        in_chroot: Whether commands see the folder as ``/``; else tools name it in full.
    """

    def __init__(self, folder: Path, in_chroot: bool) -> None:
        self.folder = folder.resolve()
        for name in _FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        write_tools(self.folder / "system/bin", "" if in_chroot else str(self.folder))
        (self.folder / _DUMPS / "power").write_text(SCREEN_ON)
        self._write_cpu_files()
        self.renew_boot_id()

    def resolve(self, path: str) -> Path:
        """Where a path of the phone is here, as its kernel would walk it; never above the root.

        Raises:
            OSError: If symbolic links lead in a circle.
        """
        parts = [part for part in path.split("/") if part]
        walked: list[str] = []
        links = 0
        while parts:
            part = parts.pop(0)
            if part == "..":
                walked = walked[:-1]
            elif part != ".":
                here = self.folder.joinpath(*walked, part)
                if parts and here.is_symlink():
                    links += 1
                    if links > _MOST_LINKS:
                        raise OSError(40, os.strerror(40), path)
                    target = os.readlink(here)
                    walked = [] if target.startswith("/") else walked
                    parts = [step for step in target.split("/") if step] + parts
                else:
                    walked.append(part)
        return self.folder.joinpath(*walked)

    def follow(self, path: str) -> Path:
        """As ``resolve``, with a symbolic link at the end followed, too."""
        return self.resolve(f"{path}/.")

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        """Open a file that ``resolve`` or ``follow`` found, and return its descriptor.

        The phone's own processes may put links and pipes there meanwhile; none is followed out of
        the folder, or waited for.

        Raises:
            OSError: If it cannot be opened, is no regular file, or lies elsewhere by now.
        """
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, mode)
        here = Path(f"/proc/self/fd/{descriptor}")
        is_inside = not here.exists() or here.resolve().is_relative_to(self.folder)
        if is_inside and stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def renew_boot_id(self) -> str:
        """Give the phone another boot id, as a reboot does, and return it."""
        boot_id = str(uuid.uuid4())
        # In place: the file may be mounted over the kernel's own.
        with (self.folder / _KEPT_BOOT_ID).open("w") as file:
            file.write(f"{boot_id}\n")
        return boot_id

    @property
    def boot_id_file(self) -> Path:
        """What takes the place of the kernel's file."""
        return self.folder / _KEPT_BOOT_ID

    def rewrite(self, command: str) -> str:
        """Let a command's absolute paths point into this folder, where it is not run in a chroot.

        What a command reads elsewhere, say in a script that it runs, stays as it is.
        """

        def here(match: re.Match[str]) -> str:
            is_boot_id = match.group(1) == BOOT_ID
            return str(self.boot_id_file) if is_boot_id else f"{self.folder}{match.group(0)}"

        return _PATH.sub(here, command)

    def write_properties(self, properties: Mapping[str, str]) -> None:
        """Let ``getprop`` tell these; a link or pipe that the phone put there is replaced."""
        new = self.folder / f"{PROPERTIES}.new"
        for name, value in properties.items():
            new.write_text(f"{value}\n")
            new.replace(self.folder / PROPERTIES / name)

    def write_battery(self, battery: Battery) -> None:
        """Let ``dumpsys battery`` tell this."""
        (self.folder / _DUMPS / "battery").write_text(battery.dump())

    def write_thermal(self, thermal: Thermal) -> None:
        """Let ``dumpsys thermalservice`` and ``/sys/class/thermal`` tell this."""
        (self.folder / _DUMPS / "thermalservice").write_text(thermal.dump())
        shutil.rmtree(self.folder / _ZONES, ignore_errors=True)
        zoned = (sensor for sensor in thermal.temperatures if sensor.zone is not None)
        for number, sensor in enumerate(zoned):
            zone = self.folder / _ZONES / f"thermal_zone{number}"
            zone.mkdir(parents=True, exist_ok=True)
            (zone / "type").write_text(f"{sensor.zone}\n")
            (zone / "temp").write_text(f"{round(sensor.value_c * 1000)}\n")

    def write_available(self, available_bytes: int | None) -> None:
        """Let ``df`` tell so many free bytes; None for the truth."""
        file = self.folder / _AVAILABLE
        if available_bytes is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(f"{available_bytes // 1024}\n")

    def fill_data(self) -> None:
        """Leave no room on ``/data``.

        Truly, where the folder behind it is a file system of its own: every write of the phone
        fails then. Elsewhere the room is others', too, and ``df`` alone tells of none.
        """
        data = self.folder / "data"
        if not data.is_mount():
            self.write_available(0)
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        taken = os.open(data / _TAKEN_ROOM, flags, 0o600)
        try:
            while True:
                os.write(taken, bytes(_BLOCK_BYTES))
        except OSError as error:
            if not is_full(error):
                raise
        finally:
            os.close(taken)

    def make_room(self) -> None:
        """Take back what ``fill_data`` took."""
        (self.folder / "data" / _TAKEN_ROOM).unlink(missing_ok=True)

    def _write_cpu_files(self) -> None:
        cpu = self.folder / "sys/devices/system/cpu"
        for core in range(_CORES):
            frequency = cpu / f"cpu{core}/cpufreq"
            frequency.mkdir(parents=True, exist_ok=True)
            (frequency / "scaling_governor").write_text("walt\n")
        for name in _HOST_CPU_FILES:
            source = Path("/sys/devices/system/cpu") / name
            if source.exists():
                (cpu / name).write_bytes(source.read_bytes())
