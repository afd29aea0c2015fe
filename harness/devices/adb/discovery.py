"""Which phones adb servers have, and what is the matter with those that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from harness.devices.adb.client import AdbPhone
from harness.devices.adb.listing import DEVICE, ListedPhone
from harness.devices.adb.programs import find_adb_program
from harness.devices.adb.server import AdbServer, ServerAddress, parse_addresses
from harness.devices.transport.errors import PhoneFailure
from harness.devices.transport.found_phone import Discovery, FoundPhone, PhoneUnusable
from harness.errors import UserError
from harness.targets.registry import DEFAULT_REMOTE_TARGET
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
    "sideload": ("is in sideload mode", "reboot it: adb reboot"),
    "rescue": ("is in rescue mode", "reboot it: adb reboot"),
    "bootloader": ("is in its boot loader", "reboot it: fastboot reboot"),
    "connecting": ("is still connecting", "wait a moment"),
    "authorizing": ("is still authorizing", "wait a moment"),
    "host": ("is a computer in adb's host mode", "unplug it"),
    "detached": ("is in state 'detached'", "give it back to the adb server: adb attach"),
}


@dataclass(frozen=True)
class _Met:
    """A phone that answered; the boot tells two phones with one serial number apart."""

    phone: FoundPhone
    boot_id: str
    on_cable: bool


def adb_phones(hosts: Sequence[str], program: Path | None) -> Callable[[], Discovery]:
    """What finds the phones of adb servers; one of this machine is started where there is none.

    Args:
        hosts: ``HOST[:PORT]`` of servers, several in one text apart by commas; none for this
            machine's own.
        program: adb that starts a server; None for the one that is found.

    Raises:
        UserError: If an address is none, or there is no such program.
    """
    program = program or find_adb_program()
    if program is not None and not program.is_file():
        raise UserError(f"--adb {program} is no file; give the path of an adb program.")
    addresses = parse_addresses(hosts) or (ServerAddress(),)
    servers = tuple(AdbServer(address, program) for address in addresses)

    def find() -> Discovery:
        for server in servers:
            server.ensure_running()
        return find_phones(servers)

    return find


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
    if listed.state != DEVICE:
        raise _unusable(listed)
    if not listed.has_serial:
        raise PhoneUnusable(
            listed.serial,
            "cannot be asked for by a serial number",
            "plug it in again, or reboot it",
        )
    phone = AdbPhone(server, listed.serial, listed.wire_serial)
    try:
        told, boot_id = _properties(phone)
    except PhoneUnusable:
        raise
    except PhoneFailure as error:
        # The cause is the fact alone, without the remedies for a phone that was in use.
        why = error.__cause__ or error
        raise PhoneUnusable(
            listed.serial, f"does not answer ({why})", "plug it in again, or reboot it", True
        ) from error
    soc_raw = told["soc"] or told["old_soc"]
    found = FoundPhone(
        phone=phone,
        serialno=told["serialno"] or listed.serial,
        soc=_known_soc(listed.serial, soc_raw),
        soc_raw=soc_raw,
        model=told["model"],
        fingerprint=told["fingerprint"],
        # What a virtual phone says that it loads; a real one says nothing and loads its own.
        accepted_targets=tuple(filter(None, told["virtual"].split(",")))
        or (DEFAULT_REMOTE_TARGET,),
    )
    return _Met(found, boot_id, listed.usb)


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
    told = f"is in state {listed.state!r}" if listed.state else "is listed without a state"
    return PhoneUnusable(listed.serial, told, "reboot it")


def _each_once(met: Iterable[_Met]) -> tuple[tuple[FoundPhone, ...], list[PhoneUnusable]]:
    """Every phone once, and those that cannot be told apart: cheap ones share a serial number."""
    by_identity: dict[str, list[_Met]] = {}
    for one in met:
        by_identity.setdefault(one.phone.serialno, []).append(one)
    phones: list[FoundPhone] = []
    namesakes: list[PhoneUnusable] = []
    for serialno, same in sorted(by_identity.items()):
        if len({one.boot_id for one in same}) > 1:
            namesakes += [_namesake(one.phone.phone.serial, serialno, len(same)) for one in same]
            continue
        best, *rest = (one.phone for one in sorted(same, key=lambda one: not one.on_cable))
        others = {phone.phone.serial for phone in rest} - {best.phone.serial}
        phones.append(replace(best, also_at=tuple(sorted(others))))
    return tuple(phones), namesakes


def _namesake(serial: str, serialno: str, count: int) -> PhoneUnusable:
    return PhoneUnusable(
        serial, f"is one of {count} phones with the serial number {serialno}", "keep one of them"
    )
