"""What a virtual phone with a root of its own sees: its files, and of this machine the programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import harness
from harness.finished_program import run_to_end
from harness.virtual_phone.machine.root_folder import (
    BOOT_ID,
    HOME,
    NEW_ROOT,
    PROPERTIES,
    RootFolder,
)

_PROGRAMS = tuple(Path(f"/{name}") for name in ("usr", "bin", "sbin", "lib", "lib32", "lib64"))
# Of /etc only what the loader, the C library and Debian's links to programs need: the rest holds
# passwords and keys, which the phone's root could read where root is who started it.
_SETTINGS = ("alternatives", "ld.so.cache", "localtime", "nsswitch.conf")
_OWN_SETTINGS = {
    "/etc/passwd": f"root:x:0:0:root:/{HOME}:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
}
_ASK_S = 60.0
_CHANGED_BY_PHONE = ("data", "sdcard", "storage", "tmp")
_SHOWN_TO_PHONE = ("system", "sys", "vendor")


def mount_order(root: RootFolder) -> dict[str, Any]:
    """What ``confinement.enter`` mounts, as the first message to ``init``.

    Folders of this machine that the phone sees at the same path and cannot change are its programs,
    and the Python with which the runner runs.
    """
    links = {str(path): os.readlink(path) for path in _PROGRAMS if path.is_symlink()}
    programs = [path for path in _PROGRAMS if path.is_dir() and not path.is_symlink()]
    settings = [path for name in _SETTINGS if (path := Path("/etc", name)).exists()]
    shared = outermost([*programs, *python_folders(), *settings])
    own = {f"/{name}": str(root.folder / name) for name in _SHOWN_TO_PHONE}
    return {
        "root": str(root.folder / NEW_ROOT),
        "files": _OWN_SETTINGS,
        "links": links,
        "writable": {f"/{name}": str(root.folder / name) for name in _CHANGED_BY_PHONE},
        "readable": {**own, **{str(path): str(path) for path in shared}},
        "writable_within": {f"/{PROPERTIES}": str(root.folder / PROPERTIES)},
        "over_proc": {BOOT_ID.removeprefix("proc/"): str(root.boot_id_file)},
    }


def python_folders() -> list[Path]:
    """Where this Python, its packages and this project are, and the QNN SDK if one is named.

    Each as it is called and as it is without symbolic links, since both names are in use. What
    PYTHONPATH, a script and the current folder add is left out: the runner gets neither.
    """
    named = [sys.prefix, sys.base_prefix, sys.exec_prefix, *harness.__path__, *_installed()]
    named.append(os.environ.get("QNN_SDK_ROOT", ""))
    called = [Path(name) for name in named if Path(name).is_absolute() and Path(name).is_dir()]
    return [*called, *(folder.resolve() for folder in called)]


@cache
def _installed() -> tuple[str, ...]:
    """Folders of packages, and those that their ``.pth`` files add."""
    command = (sys.executable, "-I", "-c", "import json, sys; print(json.dumps(sys.path))")
    told = run_to_end(command, _ASK_S)
    told.check_returncode()
    project = str(Path(harness.__file__).parents[1])
    return tuple(path for path in json.loads(told.stdout) if path != project)


def outermost(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Each folder that is in no other of them, once."""
    known = sorted(set(folders))
    return tuple(
        folder
        for folder in known
        if not any(other != folder and folder.is_relative_to(other) for other in known)
    )
