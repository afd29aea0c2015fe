"""What kind of phone a virtual phone is: its system properties, what its adbd can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.virtual_phone.machine.sandbox import Isolation

FEATURES = (
    "shell_v2",
    "cmd",
    "stat_v2",
    "ls_v2",
    "fixed_push_mkdir",
    "fixed_push_symlink_timestamp",
    "apex",
    "remount_shell",
    "sendrecv_v2",
)
"""What an adbd of Android 14 names in its greeting, and a virtual phone does."""


@dataclass(frozen=True)
class PhoneProfile:
    """A phone that is to be.

    Attributes:
        folder: Folder of its files; kept when it ends.
        properties: System properties.
        isolation: Kind of sandbox; None for the best that the machine allows.
        features: What its adbd names in its greeting.
    """

    folder: Path
    properties: Mapping[str, str]
    isolation: Isolation | None = None
    features: tuple[str, ...] = FEATURES


LOADS_PROPERTY = "ro.snapgate.virtual.loads"


def default_properties(
    soc: str, serialno: str, accepted_targets: tuple[str, ...]
) -> dict[str, str]:
    """Properties of an Android 14 phone with this SoC.

    Args:
        soc: SoC, its ``ro.soc.model``, say ``SM8550``.
        serialno: Serial number, its ``ro.serialno``.
        accepted_targets: Targets whose artifacts the phone's runner loads; no real phone has the
            property.
    """
    return {
        "ro.serialno": serialno,
        "ro.soc.manufacturer": "QTI",
        "ro.soc.model": soc,
        "ro.board.platform": "virtual_phone",
        "ro.hardware": "qcom",
        "ro.product.board": "virtual_phone",
        "ro.product.name": "virtual_phone",
        "ro.product.model": "Virtual Phone",
        "ro.product.device": "virtual_phone",
        "ro.product.brand": "snapgate",
        "ro.product.manufacturer": "snapgate",
        "ro.product.cpu.abi": "arm64-v8a",
        "ro.build.version.sdk": "34",
        "ro.build.version.release": "14",
        "ro.build.type": "user",
        "ro.debuggable": "0",
        "ro.build.fingerprint": "snapgate/virtual_phone/virtual_phone:14/VP1A/1:user/release-keys",
        "sys.boot_completed": "1",
        LOADS_PROPERTY: ",".join(accepted_targets),
    }


def banner_properties(properties: Mapping[str, str]) -> str:
    """The properties that a phone sends with its greeting, as ``name=value;`` each."""
    shown = ("ro.product.name", "ro.product.model", "ro.product.device")
    return "".join(f"{name}={properties.get(name, '')};" for name in shown)
