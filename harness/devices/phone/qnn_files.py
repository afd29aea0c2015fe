"""The QNN libraries that one SoC's HTP needs on the phone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.backends.qnn.libraries import cache_folder
from harness.devices.phone.elf import ARM64, HEXAGON, machine_of
from harness.devices.phone.qnn_version import QnnVersion, version_of_library
from harness.errors import UserError
from harness.targets.soc import Soc

_PHONE_FOLDER = Path("lib/aarch64-android")
HTP_LIBRARY = "libQnnHtp.so"
WHERE_FROM = "docs/phone.md says where they come from"


@dataclass(frozen=True)
class PhoneLibraries:
    """Libraries of one SDK for one HTP version.

    Attributes:
        files: What the phone needs, the HTP's own skel included.
        version: Of the SDK; None where the libraries do not tell.
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
    found = {
        name: next((p for p in (directory / place / name, directory / name) if p.is_file()), None)
        for name, place in library_places(soc).items()
    }
    if lacking := [name for name, path in found.items() if path is None]:
        raise UserError(
            f"{source} is {directory}, which lacks {', '.join(lacking)} for {soc.name} (HTP "
            f"v{soc.htp_arch}); give a QNN SDK that knows {soc.name} with --qnn-dir ({WHERE_FROM})."
        )
    files = tuple(path for path in found.values() if path is not None)
    for path in files:
        _check_machine(path)
    return PhoneLibraries(files, version_of_library(files[0]), source)


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
    wanted = HEXAGON if "Skel" in path.name else ARM64
    machine = machine_of(path)
    if machine != wanted:
        raise UserError(
            f"{path} is built for {machine or 'no machine'} and not for {wanted}; "
            f"give the QNN libraries for Android with --qnn-dir ({WHERE_FROM})."
        )
