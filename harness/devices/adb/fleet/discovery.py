"""Which phones there are, and what is the matter with those that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from harness.devices.adb.protocol.client import AdbPhone
from harness.devices.adb.protocol.errors import AdbFailure, PhoneUnusable
from harness.devices.adb.protocol.server import AdbServer, ListedPhone
from harness.targets.soc import SOCS

_ASK_S = 4.0
_PROPERTIES = {
    "serialno": "ro.serialno",
    "soc": "ro.soc.model",
    "old_soc": "ro.vendor.qti.soc_model",
    "model": "ro.product.model",
    "fingerprint": "ro.build.fingerprint",
    "virtual": "ro.snapgate.virtual.loads",
}
"""``ro.board.platform`` is no help: SM8550 and QCS8550 share one (adb §5)."""

_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"

_SNAPDRAGON = re.compile(r"^(SM|SA|SAR|SC|SG|SSG|SW|SXR|QCM|QCS)\d{4}")
"""``SM8550``, ``SA8295``, ``QCS9100``; others write theirs as ``MT6989``, ``s5e9945``."""

_OFFLINE = "offline"
_STATES = {
    "unauthorized": (
        "has not authorized this computer",
        "unlock it and tap Allow; if it does not ask, revoke USB debugging authorizations in its "
        "developer options and plug it in again",
    ),
    _OFFLINE: (
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
        accepted_targets: Targets whose artifacts a virtual phone loads; empty for a real one.
        also_at: Further serials under which adb lists the same phone.
    """

    adb: AdbPhone
    serialno: str
    soc: str
    soc_raw: str
    model: str
    fingerprint: str
    usb: bool
    accepted_targets: tuple[str, ...] = ()
    also_at: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All that ``--serial`` may call it."""
        return self.serialno, self.adb.serial, *self.also_at

    @property
    def is_virtual(self) -> bool:
        """Whether its speed says nothing of any phone."""
        return bool(self.accepted_targets)

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


@dataclass(frozen=True)
class _Met:
    """A phone that answered; the boot tells two phones with one serial number apart."""

    phone: FoundPhone
    boot_id: str


def find_phones(servers: Sequence[AdbServer]) -> Discovery:
    """Ask all servers and all their phones, all at once: one that hangs delays no other.

    A phone that two servers or two connections reach is one; a cable is preferred.

    Raises:
        NoServer: If a server is not there.
        ConnectionLost: If a server does not answer.
    """
    with ThreadPoolExecutor(max(1, len(servers))) as threads:
        listings = threads.map(AdbServer.phones, servers)
        listed = [(at, one) for at, every in zip(servers, listings, strict=True) for one in every]
    with ThreadPoolExecutor(max(1, len(listed))) as threads:
        answers = list(threads.map(lambda pair: _meet_or_tell(*pair), listed))
    met = [answer for answer in answers if isinstance(answer, _Met)]
    unusable = [answer for answer in answers if isinstance(answer, PhoneUnusable)]
    phones, namesakes = _each_once(met)
    return Discovery(phones, (*unusable, *namesakes))


def _meet_or_tell(server: AdbServer, listed: ListedPhone) -> _Met | PhoneUnusable:
    try:
        return _meet(server, listed)
    except PhoneUnusable as reason:
        return reason


def _meet(server: AdbServer, listed: ListedPhone) -> _Met:
    if listed.state != "device":
        raise _unusable(listed)
    phone = AdbPhone(server, listed.serial)
    try:
        told, boot_id = _properties(phone)
    except AdbFailure as error:
        # The cause is the fact alone, without the remedies for a phone that was in use.
        why = error.__cause__ or error
        raise PhoneUnusable(
            listed.serial, f"does not answer ({why})", "plug it in again, or reboot it", True
        ) from error
    soc_raw = told["soc"] or told["old_soc"]
    found = FoundPhone(
        adb=phone,
        serialno=told["serialno"] or listed.serial,
        soc=_known_soc(listed.serial, soc_raw),
        soc_raw=soc_raw,
        model=told["model"],
        fingerprint=told["fingerprint"],
        usb=listed.usb,
        accepted_targets=tuple(filter(None, told["virtual"].split(","))),
    )
    return _Met(found, boot_id)


def _properties(phone: AdbPhone) -> tuple[dict[str, str], str]:
    """Properties and boot id in one question, asked anew each time: adbutils keeps cut answers."""
    asked = "; ".join(f"getprop {name}" for name in _PROPERTIES.values())
    lines = phone.ask(f"{asked}; {_BOOT_ID}", _ASK_S).stdout.splitlines()
    *told, boot_id = [line.strip() for line in lines] or [""]
    padded = told + [""] * (len(_PROPERTIES) - len(told))
    return dict(zip(_PROPERTIES, padded, strict=False)), boot_id


def _known_soc(serial: str, soc_raw: str) -> str:
    """The SoC of our table that this is, or is a variant of: ``SM8750P`` is an ``SM8750``."""
    for name in SOCS:
        if soc_raw.upper().startswith(name):
            return name
    if _SNAPDRAGON.match(soc_raw.upper()):
        raise PhoneUnusable(
            serial,
            f"has the SoC {soc_raw!r} (ro.soc.model), whose HTP is not known",
            f"use a phone with one of {', '.join(SOCS)}",
        )
    raise PhoneUnusable(
        serial,
        f"tells no Snapdragon as its SoC (ro.soc.model is {soc_raw!r})",
        "use a phone with a Qualcomm SoC and Android 12 or newer",
    )


def _unusable(listed: ListedPhone) -> PhoneUnusable:
    for state, (reason, remedy) in _STATES.items():
        if listed.state.startswith(state):
            return PhoneUnusable(listed.serial, reason, remedy, state == _OFFLINE)
    return PhoneUnusable(listed.serial, f"is in state {listed.state!r}", "reboot it")


def _each_once(met: Iterable[_Met]) -> tuple[tuple[FoundPhone, ...], list[PhoneUnusable]]:
    """Every phone once, and those that cannot be told apart: cheap ones share a serial number."""
    by_identity: dict[str, list[_Met]] = {}
    for one in met:
        by_identity.setdefault(one.phone.serialno, []).append(one)
    phones: list[FoundPhone] = []
    namesakes: list[PhoneUnusable] = []
    for serialno, same in sorted(by_identity.items()):
        if len({one.boot_id for one in same}) > 1:
            namesakes += [_namesake(one.phone.adb.serial, serialno, len(same)) for one in same]
            continue
        best, *rest = sorted((one.phone for one in same), key=lambda phone: not phone.usb)
        others = {phone.adb.serial for phone in rest} - {best.adb.serial}
        phones.append(replace(best, also_at=tuple(sorted(others))))
    return tuple(phones), namesakes


def _namesake(serial: str, serialno: str, count: int) -> PhoneUnusable:
    return PhoneUnusable(
        serial, f"is one of {count} phones with the serial number {serialno}", "keep one of them"
    )
