"""What of this machine a phone in a chroot sees."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
from harness.virtual_phone.machine.root_folder import BOOT_ID, RootFolder

_TOP = tuple(Path(f"/{name}") for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64", "etc"))
_DEVICES = Path("/dev")
_PROC = Path("/proc")


@dataclass(frozen=True)
class MountPlan:
    """Mounts of one phone.

    Attributes:
        root: Folder of the phone's files.
        shared: Folders of this machine that it sees at the same path, and cannot change: its
            programs, and the Python with which the runner runs.
    """

    root: RootFolder
    shared: tuple[Path, ...]

    @classmethod
    def of_this_machine(cls, root: RootFolder) -> MountPlan:
        """The plan for this machine and this Python; mount points and links are made."""
        for path in filter(Path.is_symlink, _TOP):
            root.copy_link(path)
        programs = [path for path in _TOP if path.is_dir() and not path.is_symlink()]
        shared = outermost([*programs, *python_folders()])
        root.make_mount_points((*shared, _DEVICES, _PROC))
        return cls(root, shared)

    def order(self) -> dict[str, Any]:
        """The first message to ``init``."""
        folder = str(self.root.folder)
        return {
            "root": folder,
            "shared": [str(path) for path in self.shared],
            "bound": [str(_DEVICES)],
            "over": {str(self.root.boot_id_file): f"{folder}/{BOOT_ID}"},
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
