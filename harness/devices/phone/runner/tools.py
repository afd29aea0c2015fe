"""Runner and libraries that a phone needs: found here, and checked to be built for a phone."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.backends.qnn.libraries import cache_folder
from harness.devices.phone.qnn_version import QnnVersion, version_of_library
from harness.elf import ARM64, HEXAGON, companions, is_whole, machine_of, needed_libraries
from harness.errors import UserError
from harness.targets.soc import Soc

RUNNER = "qnn_multimodal_runner"
BACKEND_LIBRARY = "libqnn_executorch_backend.so"

_RUNNER_FOLDER = Path("examples/qualcomm/oss_scripts/llama")
_LIBRARY_FOLDER = Path("backends/qualcomm")
"""Folders of a build (contract §1.4); both files may also lie in the folder itself."""

BUILD_COMMAND = "backends/qualcomm/scripts/build.sh --skip_x86_64 --release"

_PHONE_FOLDER = Path("lib/aarch64-android")
HTP_LIBRARY = "libQnnHtp.so"
CPP_RUNTIME = "libc++_shared.so"
_ON_NO_PHONE = re.compile(
    rf"{re.escape(CPP_RUNTIME)}|{re.escape(BACKEND_LIBRARY)}|lib[^/]+\.so\.\d[\d.]*"
)
"""The NDK's runtime, upstream's own, and what a Linux system numbers; Android numbers none."""
_SKEL = "Skel"
"""In the name of each library that runs on the HTP itself."""
WHERE_FROM = "docs/phone.md says where they come from"


@dataclass(frozen=True)
class RunnerBuild:
    """What an ExecuTorch build has for a phone.

    Attributes:
        runner: Path of ``qnn_multimodal_runner``.
        backend_library: Path of ``libqnn_executorch_backend.so``.
        companions: Libraries beside them that they need, ``libc++_shared.so`` for instance.
    """

    runner: Path
    backend_library: Path
    companions: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Runner and libraries."""
        return (self.runner, self.backend_library, *self.companions)


def find_build(directory: Path, command: str = BUILD_COMMAND) -> RunnerBuild:
    """Find both files in a build folder, or in a folder that they were copied to.

    Args:
        directory: Folder that ``--build-dir`` names: usually ``build-android``.
        command: Makes such a folder, in a checkout of ExecuTorch.

    Raises:
        UserError: If one is missing.
    """
    runner = _find(directory, _RUNNER_FOLDER / RUNNER)
    library = _find(directory, _LIBRARY_FOLDER / BACKEND_LIBRARY)
    if runner is None or library is None:
        found = {RUNNER: runner, BACKEND_LIBRARY: library}
        lacking = [name for name, path in found.items() if path is None]
        raise UserError(
            f"--build-dir {directory} has no {' and no '.join(lacking)}; build them in a checkout "
            f"of ExecuTorch with: {command} (docs/phone.md)"
        )
    parents = (runner.parent, library.parent, directory)
    folders = [place for folder in parents for place in (folder, folder / "lib")]
    needed = companions((runner, library), folders)
    # QNN's own come from one SDK, all together.
    beside = tuple(path for path in needed if not path.name.startswith("libQnn"))
    return RunnerBuild(runner, library, beside)


def check_needs(build: RunnerBuild) -> None:
    """Refuse a build that needs a library which no phone has and which is not beside it.

    Raises:
        UserError: If there is such a library.
    """
    there = {path.name for path in build.files}
    for path in build.files:
        for name in needed_libraries(path):
            if name not in there and _ON_NO_PHONE.fullmatch(name):
                raise UserError(
                    f"{path} needs {name}, which is on no phone and not beside it; "
                    f"{_remedy_for(name)}."
                )


def _remedy_for(name: str) -> str:
    if name == CPP_RUNTIME:
        return (
            "copy it there from the NDK that built it "
            "(toolchains/llvm/prebuilt/*/sysroot/usr/lib/aarch64-linux-android)"
        )
    return "copy it there, or give a build for Android with --build-dir"


def check_machine(build: RunnerBuild) -> None:
    """Refuse a build that no phone can run; a virtual phone's is for this machine.

    Raises:
        UserError: If a file was built for another machine than a phone.
    """
    for path in build.files:
        machine = machine_of(path)
        if machine != ARM64:
            raise UserError(
                f"{path} is built for {machine or 'no machine'} and phones have {ARM64}; give the "
                "build-android folder with --build-dir."
            )
        check_whole(path)


def _find(directory: Path, place: Path) -> Path | None:
    return next((p for p in (directory / place, directory / place.name) if p.is_file()), None)


@dataclass(frozen=True)
class PhoneLibraries:
    """Libraries of one SDK for one HTP version.

    Attributes:
        files: What the phone needs, the HTP's own skel included.
        version: Version of the SDK; None where the libraries do not tell.
        source: Who named their folder: ``--qnn-dir`` or ``QNN_SDK_ROOT``.
    """

    files: tuple[Path, ...]
    version: QnnVersion | None
    source: str


def library_places(soc: Soc) -> dict[str, Path]:
    """Name of each library and its folder in the SDK (contract §1.4)."""
    arch = soc.htp_arch
    skel = Path(f"lib/hexagon-v{arch}/unsigned")
    return {
        HTP_LIBRARY: _PHONE_FOLDER,
        f"libQnnHtpV{arch}Skel.so": skel,
        f"libQnnHtpV{arch}Stub.so": _PHONE_FOLDER,
        "libQnnHtpPrepare.so": _PHONE_FOLDER,
        "libQnnSystem.so": _PHONE_FOLDER,
    }


def find_phone_libraries(
    soc: Soc, qnn_dir: Path | None, environment: Mapping[str, str] = os.environ
) -> PhoneLibraries:
    """Find the libraries in ``--qnn-dir``, else in the SDK of ``QNN_SDK_ROOT``.

    Args:
        soc: SoC of the phone.
        qnn_dir: An SDK, or a folder that holds the libraries themselves.
        environment: Environment variables.

    Raises:
        UserError: If nobody named a folder, or it lacks a library or has one for another machine.
    """
    directory, source = _named_folder(qnn_dir, environment)
    found = {name: _find(directory, at / name) for name, at in library_places(soc).items()}
    if lacking := [name for name, path in found.items() if path is None]:
        raise UserError(
            f"{source} is {directory}, which lacks {', '.join(lacking)} for {soc.name} (HTP "
            f"v{soc.htp_arch}); give a QNN SDK that knows {soc.name} with --qnn-dir ({WHERE_FROM})."
        )
    files = tuple(path for path in found.values() if path is not None)
    for path in files:
        _check_machine(path)
    of_android = [path for path in files if _SKEL not in path.name]
    beside = companions(of_android, sorted({path.parent for path in of_android}))
    return PhoneLibraries((*files, *beside), version_of_library(files[0]), source)


def _named_folder(qnn_dir: Path | None, environment: Mapping[str, str]) -> tuple[Path, str]:
    if qnn_dir is not None:
        return qnn_dir, "--qnn-dir"
    root = environment.get("QNN_SDK_ROOT")
    # A parent process of ours sets it for ExecuTorch's own use, to libraries of this machine.
    if root and not Path(root).is_relative_to(cache_folder()):
        return Path(root), "QNN_SDK_ROOT"
    raise UserError(
        "Nobody said where the phone's QNN libraries are: set QNN_SDK_ROOT to Qualcomm's SDK or "
        f"give --qnn-dir ({WHERE_FROM})."
    )


def _check_machine(path: Path) -> None:
    wanted = HEXAGON if _SKEL in path.name else ARM64
    machine = machine_of(path)
    if machine != wanted:
        raise UserError(
            f"{path} is built for {machine or 'no machine'} and not for {wanted}; "
            f"give the QNN libraries for Android with --qnn-dir ({WHERE_FROM})."
        )
    if machine == ARM64:
        check_whole(path)


def check_whole(path: Path) -> None:
    """Refuse, with a ``UserError``, a program or library that was copied in part."""
    if not is_whole(path):
        raise UserError(
            f"{path} has {path.stat().st_size:,} bytes and its headers tell of more; copy or build "
            "it again."
        )
