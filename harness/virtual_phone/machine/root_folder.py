"""The folder of a virtual phone's files, and what of this machine is mounted in it."""

from __future__ import annotations

import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import harness
from harness.virtual_phone.machine.condition import SCREEN_ON, Battery, Thermal
from harness.virtual_phone.machine.tools import write_tools

BOOT_ID = "proc/sys/kernel/random/boot_id"
HOME = "data/local/tmp"

_KEPT_BOOT_ID = "system/etc/boot_id"
_PROPERTIES = "system/etc/properties"
_DUMPS = "system/etc/dumpsys"
_AVAILABLE = "system/etc/available_kib"
_ZONES = "sys/class/thermal"
_FOLDERS = (
    HOME,
    "sdcard",
    "system/bin",
    _PROPERTIES,
    _DUMPS,
    "vendor/lib64",
    "proc/sys/kernel/random",
    "dev",
    "tmp",
)
_PATH = re.compile(rf"(?<![\w/.~-])/(data|sdcard|system|vendor|sys|{BOOT_ID})(?=[/\s'\";:)&|,]|$)")
_CORES = 8
_MOST_LINKS = 40
# What reads the number of processors, as the runner's CPU kernels do, finds this machine's own.
_HOST_CPU_FILES = ("possible", "present", "online", "kernel_max")

_TOP = tuple(Path(f"/{name}") for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc"))
_DEVICES = Path("/dev")
_PROC = Path("/proc")


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
        """Let ``getprop`` tell these."""
        folder = self.folder / _PROPERTIES
        for name, value in properties.items():
            (folder / name).write_text(f"{value}\n")

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

    def make_mount_points(self, sources: Iterable[Path]) -> None:
        """Make the folders that this machine's own are mounted over."""
        for source in sources:
            (self.folder / source.relative_to("/")).mkdir(parents=True, exist_ok=True)

    def copy_link(self, link: Path) -> None:
        """Have the same symbolic link as this machine, say ``/lib`` to ``usr/lib``."""
        ours = self.folder / link.relative_to("/")
        if not ours.is_symlink():
            ours.symlink_to(os.readlink(link))

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


def mount_order(root: RootFolder) -> dict[str, Any]:
    """What of this machine a phone in a chroot sees, as the first message to ``init``.

    Folders that it sees at the same path and cannot change are this machine's programs, and the
    Python with which the runner runs. Mount points and links are made.
    """
    for path in filter(Path.is_symlink, _TOP):
        root.copy_link(path)
    programs = [path for path in _TOP if path.is_dir() and not path.is_symlink()]
    shared = outermost([*programs, *python_folders()])
    root.make_mount_points((*shared, _DEVICES, _PROC))
    return {
        "root": str(root.folder),
        "shared": [str(path) for path in shared],
        "bound": [str(_DEVICES)],
        "over": {str(root.boot_id_file): f"{root.folder}/{BOOT_ID}"},
    }


def python_folders() -> list[Path]:
    """Where this Python, its packages and this project are, and the QNN SDK if one is named.

    Each as it is called and as it is without symbolic links, since both names are in use.
    """
    named = [sys.prefix, sys.base_prefix, str(Path(harness.__file__).parents[1]), *sys.path]
    named.append(os.environ.get("QNN_SDK_ROOT", ""))
    called = [Path(name) for name in named if Path(name).is_absolute() and Path(name).is_dir()]
    return [*called, *(folder.resolve() for folder in called)]


def outermost(folders: list[Path]) -> tuple[Path, ...]:
    """Each folder that is in no other of them, once."""
    known = sorted(set(folders))
    return tuple(
        folder
        for folder in known
        if not any(other != folder and folder.is_relative_to(other) for other in known)
    )
