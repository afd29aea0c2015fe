"""System properties of a virtual phone."""

from __future__ import annotations

from collections.abc import Mapping

LOADS_PROPERTY = "ro.snapgate.virtual.loads"


def default_properties(
    soc: str, serialno: str, accepted_targets: tuple[str, ...]
) -> dict[str, str]:
    """Properties of an Android 14 phone with this SoC.

    Args:
        soc: As ``ro.soc.model`` tells it, say ``SM8550``.
        serialno: As ``ro.serialno`` tells it.
        accepted_targets: Of artifacts that the phone's runner loads; no real phone has the
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
