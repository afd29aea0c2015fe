"""The adb programs of this machine."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_DEBIAN = Path("/usr/bin/adb")


@dataclass(frozen=True)
class AdbProgram:
    """One build of adb.

    Attributes:
        name: ``adbutils`` for the one bundled with the package, ``debian`` for the
            distribution's.
        path: Path of the program; it need not exist.
    """

    name: str
    path: Path

    @property
    def installed(self) -> bool:
        """Whether it is there."""
        return self.path.is_file()


def adb_programs() -> tuple[AdbProgram, ...]:
    """The builds that are known to work with phones, installed or not, the bundled one first."""
    spec = find_spec("adbutils")
    folders = (spec.submodule_search_locations or []) if spec else []
    bundled = [Path(folder) / "binaries" / "adb" for folder in folders]
    return (*(AdbProgram("adbutils", path) for path in bundled[:1]), AdbProgram("debian", _DEBIAN))


def find_adb_program() -> Path | None:
    """The machine's own adb, else the one that comes with adbutils."""
    found = shutil.which("adb")
    if found is not None:
        return Path(found)
    return next((program.path for program in adb_programs() if program.installed), None)
