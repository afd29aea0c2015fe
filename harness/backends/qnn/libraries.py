"""Where Qualcomm's QNN libraries for this machine are, and a folder shaped like its SDK for them.

Imports without torch, loads nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shlex
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from harness.elf import X86_64, is_whole, machine_of
from harness.errors import UserError

HTP_LIBRARY = "libQnnHtp.so"
SYSTEM_LIBRARY = "libQnnSystem.so"
SDK_LIBRARY_FOLDER = Path("lib") / "x86_64-linux-clang"
WHEEL = "onnxruntime-qnn"
LICENCE_NOTE = (
    "Qualcomm's QNN libraries are not part of Snapgate; they are used under Qualcomm's own licence "
    "(AI Stack License), which whoever installs them accepts."
)
_WHEEL_PACKAGE = "onnxruntime_qnn"
_WHEEL_GLIBC = (2, 35)
"""The wheel's platform tag is ``manylinux_2_35_x86_64``."""


@dataclass(frozen=True)
class QnnLibraries:
    """A folder with ``libQnnHtp.so`` and ``libQnnSystem.so`` for x86_64 Linux.

    Attributes:
        directory: The folder, symbolic links resolved.
        source: Who named it: ``QNN_SDK_ROOT``, ``--qnn-dir`` or ``onnxruntime-qnn`` (the wheel).
    """

    directory: Path
    source: str

    @property
    def licence_file(self) -> Path | None:
        """The licence text that came with the libraries, None where there is none beside them."""
        found = sorted(self.directory.glob("*LICENSE*.pdf"))
        return found[0] if found else None


@dataclass(frozen=True)
class HostPlatform:
    """What decides whether QNN's x86 libraries can run here.

    Attributes:
        system: ``linux``, ``darwin``, ... as ``sys.platform`` has it.
        machine: ``x86_64``, ``arm64``, ...
        glibc: Version of the C library, None on a system without glibc.
    """

    system: str
    machine: str
    glibc: tuple[int, int] | None


def this_host() -> HostPlatform:
    """Describe the machine this process runs on."""
    name, version = platform.libc_ver()
    glibc = None
    if name == "glibc":
        major, minor = version.split(".")[:2]
        glibc = (int(major), int(minor))
    return HostPlatform(sys.platform, platform.machine(), glibc)


def cache_folder() -> Path:
    """Where compiled and linked files of this room are kept for the user."""
    return Path(platformdirs.user_cache_dir("snapgate")) / "qnn"


def find_libraries(
    qnn_dir: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    host: HostPlatform | None = None,
) -> QnnLibraries:
    """Find the libraries: the SDK of ``QNN_SDK_ROOT``, else ``qnn_dir``, else the installed wheel.

    Args:
        qnn_dir: What ``--qnn-dir`` says: an SDK, or a folder that holds the libraries themselves.
        environment: Environment variables.
        host: The machine; default: this one.

    Raises:
        UserError: If the machine cannot run them, a named folder does not hold them, two named
            folders differ, or there are none.
    """
    host = host or this_host()
    if (host.system, host.machine) != ("linux", "x86_64"):
        raise UserError(
            f"QNN's compiler and emulator exist for x86_64 Linux and this is {host.machine} "
            f"{host.system}; use --target host here."
        )
    named = [
        _library_folder(Path(given).expanduser(), source)
        for given, source in ((_sdk_root(environment), "QNN_SDK_ROOT"), (qnn_dir, "--qnn-dir"))
        if given
    ]
    if len({libraries.directory for libraries in named}) > 1:
        raise UserError(
            f"QNN_SDK_ROOT names the libraries in {named[0].directory} and --qnn-dir those in "
            f"{named[1].directory}; unset QNN_SDK_ROOT or leave out --qnn-dir."
        )
    return named[0] if named else _wheel_libraries(host)


def check_whole(libraries: QnnLibraries) -> None:
    """Refuse libraries for another machine, and halves of libraries.

    The loader says of the former that they are not there, and ends the process at the latter.

    Raises:
        UserError: If there is one.
    """
    for name in (SYSTEM_LIBRARY, HTP_LIBRARY):
        path = libraries.directory / name
        machine = machine_of(path)
        if machine != X86_64:
            told = f"{name} is built for {machine}" if machine else f"{name} is no library"
            remedy = f"give an SDK that has {SDK_LIBRARY_FOLDER} with --qnn-dir"
        elif not is_whole(path):
            told = f"{name} has {path.stat().st_size:,} bytes and its headers tell of more"
            remedy = "copy it again"
        else:
            continue
        raise UserError(
            f"The QNN libraries in {libraries.directory} cannot be loaded ({told}); {remedy}."
        )


def _sdk_root(environment: Mapping[str, str]) -> str | None:
    """``QNN_SDK_ROOT``, unless a parent process of ours set it for ExecuTorch's own use."""
    root = environment.get("QNN_SDK_ROOT")
    return None if root and Path(root).is_relative_to(cache_folder()) else root


def _library_folder(given: Path, source: str) -> QnnLibraries:
    for folder in (given / SDK_LIBRARY_FOLDER, given):
        if all((folder / name).is_file() for name in (HTP_LIBRARY, SYSTEM_LIBRARY)):
            return QnnLibraries(folder.resolve(), source)
    raise UserError(
        f"{source} is {given}, which has no {HTP_LIBRARY} and {SYSTEM_LIBRARY}, neither itself nor "
        f"in {SDK_LIBRARY_FOLDER}; correct it, or leave it out and type: {_install_command()}"
    )


def _wheel_libraries(host: HostPlatform) -> QnnLibraries:
    # Found but never imported: its import would load onnxruntime and a second copy of QNN's state.
    spec = importlib.util.find_spec(_WHEEL_PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec else []:
        if not (Path(location) / HTP_LIBRARY).is_file():
            continue
        _check_glibc(host)
        return QnnLibraries(Path(location).resolve(), WHEEL)
    raise UserError(
        "There are no QNN libraries: QNN_SDK_ROOT is not set, --qnn-dir is not given and the "
        f"package {WHEEL} is not installed; type: {_install_command()}"
    )


def _check_glibc(host: HostPlatform) -> None:
    needed = ".".join(map(str, _WHEEL_GLIBC))
    if host.glibc is None:
        raise UserError(
            f"The QNN libraries of {WHEEL} need glibc {needed} or newer and this system has "
            "another C library; use --target host here."
        )
    if host.glibc < _WHEEL_GLIBC:
        found = ".".join(map(str, host.glibc))
        raise UserError(
            f"The QNN libraries of {WHEEL} need glibc {needed} or newer and this system has "
            f"{found}; set QNN_SDK_ROOT to Qualcomm's SDK or use --target host here."
        )


def _install_command() -> str:
    return shlex.join([sys.executable, "-m", "pip", "install", "snapgate[qnn]"])


def not_writable(cache: Path, error: OSError) -> UserError:
    """Why nothing could be put into the cache, and what to do."""
    return UserError(
        f"The cache {cache} cannot be written ({error.strerror}); make room in it, or set "
        "XDG_CACHE_HOME to a folder that can be written."
    )


def linked_sdk(libraries: QnnLibraries, cache: Path) -> Path:
    """Link the libraries into an SDK-shaped folder.

    ExecuTorch downloads an SDK unless ``QNN_SDK_ROOT`` is set, and asks the library below it for
    the build id that its version checks need (backends/qualcomm/utils/check_qnn_version.py).

    Args:
        libraries: What to link to.
        cache: Where the folder is made; several processes may do so at once.

    Returns:
        The root of the folder.
    """
    name = hashlib.sha256(str(libraries.directory).encode()).hexdigest()[:12]
    root = cache / f"sdk-{name}"
    folder = root / SDK_LIBRARY_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for library in libraries.directory.glob("*.so"):
        link_to(folder / library.name, library)
    return root


def link_to(link: Path, target: Path) -> None:
    """Have a symbolic link; whoever looks meanwhile finds the earlier one or this one."""
    if link.is_symlink() and link.readlink() == target:
        return
    part = link.with_name(f".{link.name}.{uuid.uuid4().hex}")
    part.symlink_to(target)
    os.replace(part, link)
