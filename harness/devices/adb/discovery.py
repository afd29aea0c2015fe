"""Which phones there are, and what is the matter with those that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.errors import AdbFailure, PhoneUnusable
from harness.devices.adb.server import AdbServer, ListedPhone

_ASK_S = 4.0
_PROPERTIES = {
    "serialno": "ro.serialno",
    "soc": "ro.soc.model",
    "old_soc": "ro.vendor.qti.soc_model",
    "model": "ro.product.model",
    "fingerprint": "ro.build.fingerprint",
    "virtual": "ro.snapgate.virtual.loads",
}
"""``ro.board.platform`` is no help: SM8550 and QCS8550 share one (adb.md §5)."""

_SNAPDRAGON = re.compile(r"^[A-Z]{2,3}\d{4}")
"""``SM8550``, ``SA8295``, ``QCS9100``; letters that follow name a variant."""

_STATES = {
    "unauthorized": (
        "has not authorized this computer",
        "unlock it and tap Allow; if it does not ask, revoke USB debugging authorizations in its "
        "developer options and plug it in again",
    ),
    "offline": (
        "is offline",
        "plug it in again; if that does not help, use another cable or port, or another build of "
        "adb with --adb",
    ),
    "no permissions": (
        "may not be opened by the adb server",
        "install udev rules for it: apt-get install android-sdk-platform-tools-common",
    ),
    "recovery": ("is in recovery", "reboot it: adb reboot"),
    "sideload": ("is in sideload mode", "reboot it"),
    "bootloader": ("is in its boot loader", "reboot it: fastboot reboot"),
    "connecting": ("is still connecting", "wait a moment"),
    "authorizing": ("is still authorizing", "wait a moment"),
    "host": ("is a computer in adb's host mode", "unplug it"),
}


@dataclass(frozen=True)
class FoundPhone:
    """A phone that can be used.

    Attributes:
        adb: To talk with it.
        serialno: ``ro.serialno``, its identity: a serial of adb changes with the connection.
        soc: ``SM8550``; what follows the model number is left out.
        soc_raw: As the phone tells it, ``SM8750P`` for instance.
        model: Name of the phone.
        fingerprint: Of its Android build.
        usb: Whether it is on a cable.
        loads: Targets whose artifacts a virtual phone loads; empty for a real one.
    """

    adb: AdbPhone
    serialno: str
    soc: str
    soc_raw: str
    model: str
    fingerprint: str
    usb: bool
    loads: tuple[str, ...] = ()

    @property
    def is_virtual(self) -> bool:
        """Whether its speed says nothing of any phone."""
        return bool(self.loads)

    def __str__(self) -> str:
        serial = "" if self.adb.serial == self.serialno else f" at {self.adb.serial}"
        return f"{self.serialno}{serial} ({self.model}, {self.soc_raw})"


@dataclass(frozen=True)
class Discovery:
    """What is plugged into the adb servers.

    Attributes:
        phones: Usable ones, each once, by serial number.
        unusable: The others, with reason and remedy.
    """

    phones: tuple[FoundPhone, ...]
    unusable: tuple[PhoneUnusable, ...]


def find_phones(servers: Sequence[AdbServer]) -> Discovery:
    """Ask all servers and all their phones.

    A phone that two servers or two connections reach is one; a cable is preferred.

    Raises:
        NoServer: If a server is not there.
        ConnectionLost: If a server does not answer.
    """
    found: list[FoundPhone] = []
    unusable: list[PhoneUnusable] = []
    for server in servers:
        for listed in server.phones():
            try:
                found.append(_meet(server, listed))
            except PhoneUnusable as reason:
                unusable.append(reason)
    return Discovery(_each_once(found), tuple(unusable))


def _meet(server: AdbServer, listed: ListedPhone) -> FoundPhone:
    if listed.state != "device":
        raise _unusable(listed)
    phone = AdbPhone(server, listed.serial)
    try:
        told = _properties(phone)
    except AdbFailure as error:
        raise PhoneUnusable(
            listed.serial, f"does not answer ({error})", "plug it in again, or reboot it"
        ) from error
    soc_raw = told["soc"] or told["old_soc"]
    match = _SNAPDRAGON.match(soc_raw)
    if match is None:
        raise PhoneUnusable(
            listed.serial,
            f"tells no Snapdragon as its SoC (ro.soc.model is {soc_raw!r})",
            "use a phone with a Qualcomm SoC and Android 12 or newer",
        )
    return FoundPhone(
        adb=phone,
        serialno=told["serialno"] or listed.serial,
        soc=match[0],
        soc_raw=soc_raw,
        model=told["model"],
        fingerprint=told["fingerprint"],
        usb=listed.usb,
        loads=tuple(filter(None, told["virtual"].split(","))),
    )


def _properties(phone: AdbPhone) -> dict[str, str]:
    """All in one question; each is asked anew, as adbutils keeps even answers that were cut."""
    asked = "; ".join(f"getprop {name}" for name in _PROPERTIES.values())
    lines = phone.ask(asked, _ASK_S).stdout.splitlines()
    padded = [line.strip() for line in lines] + [""] * (len(_PROPERTIES) - len(lines))
    return dict(zip(_PROPERTIES, padded, strict=False))


def _unusable(listed: ListedPhone) -> PhoneUnusable:
    for state, (reason, remedy) in _STATES.items():
        if listed.state.startswith(state):
            return PhoneUnusable(listed.serial, reason, remedy)
    return PhoneUnusable(listed.serial, f"is in state {listed.state!r}", "reboot it")


def _each_once(found: Iterable[FoundPhone]) -> tuple[FoundPhone, ...]:
    by_identity: dict[str, FoundPhone] = {}
    for phone in found:
        known = by_identity.get(phone.serialno)
        if known is None or (phone.usb and not known.usb):
            by_identity[phone.serialno] = phone
    return tuple(by_identity[serialno] for serialno in sorted(by_identity))
